"""Namespaces: a label with their name, and the finalizer that empties them before they go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.strategy.strategy import Object, Strategy

NAME_LABEL = "kubernetes.io/metadata.name"
FINALIZER = "kubernetes"


def label(obj: Object) -> None:
    """Set the label that selectors of namespaces rely on; it is set before fields are tracked, as defaults are."""
    metadata = obj["metadata"]
    if name := metadata.get("name"):
        metadata["labels"] = (metadata.get("labels") or {}) | {NAME_LABEL: name}


def _created(_: Api, obj: Object) -> None:
    spec = obj["spec"] = obj.get("spec") or {}
    finalizers = spec.get("finalizers") or []
    spec["finalizers"] = finalizers if FINALIZER in finalizers else [*finalizers, FINALIZER]


def _updated(_: Api, obj: Object, old: Mapping[str, Any]) -> None:
    obj["spec"] = old.get("spec") or {}


NAMESPACES = Strategy(
    status=lambda: {"phase": "Active"}, returns_object=True, prepare_create=_created, prepare_update=_updated
)
