"""kubectl's annotation of client-side apply, which its server-side apply takes over and keeps up to date."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.apiserver.patch.schema import Schema
from meshctl.sandbox.apiserver.patch.structured.check import faults_text
from meshctl.sandbox.apiserver.patch.structured.compare import compare
from meshctl.sandbox.apiserver.patch.structured.fields import named_by
from meshctl.sandbox.apiserver.patch.structured.fieldset import EMPTY, FieldSet
from meshctl.sandbox.apiserver.patch.structured.pathelement import go_json

KUBECTL = "kubectl"
ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
MAX_ANNOTATIONS = 256 * 1024


def still_applied(schema: Schema, api_version: str, live: Mapping[str, Any]) -> FieldSet:
    """The fields that the last client-side apply set and that are still as it set them."""
    try:
        config = json.loads(_annotations(live).get(ANNOTATION) or "null")
    except ValueError:
        return EMPTY
    if not isinstance(config, dict) or config.get("apiVersion") != api_version:
        return EMPTY
    if faults_text(schema, config):
        return EMPTY
    changes = compare(schema, config, live)
    return named_by(schema, config) - changes.modified - changes.added - changes.removed


def refreshed(merged: dict[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """The object with the annotation saying what was applied, if it has one."""
    if not _annotations(merged).get(ANNOTATION):
        return merged
    annotations = {**_annotations(merged), ANNOTATION: _text(config)}
    if sum(len(key) + len(value) for key, value in annotations.items()) > MAX_ANNOTATIONS:
        del annotations[ANNOTATION]
    return {**merged, "metadata": {**merged["metadata"], "annotations": annotations}}


def _annotations(item: Mapping[str, Any]) -> dict[str, Any]:
    return (item.get("metadata") or {}).get("annotations") or {}


def _text(config: Mapping[str, Any]) -> str:
    """The configuration without the annotation as Go encodes it."""
    metadata = dict(config.get("metadata") or {})
    if metadata.get("annotations"):
        metadata["annotations"] = {key: value for key, value in metadata["annotations"].items() if key != ANNOTATION}
    return go_json({**config, "metadata": metadata}) + "\n"
