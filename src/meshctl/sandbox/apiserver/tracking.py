"""Who owns which field: metadata.managedFields of what is written by create, update and patch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.apiserver.patch import apply, schema
from meshctl.sandbox.apiserver.patch.schema import Schema
from meshctl.sandbox.apiserver.patch.values import same as equal
from meshctl.sandbox.apiserver.resources.resource import Resource

Object = dict[str, Any]


def schema_of(resource: Resource) -> Schema:
    """The types of a resource's fields."""
    if resource.custom:
        return schema.custom(((resource.definition or {}).get("schema") or {}).get("openAPIV3Schema"))
    return schema.builtin(resource.group_version, resource.kind) or schema.ANYTHING


def track(resource: Resource, obj: Object, old: Mapping[str, Any] | None, manager: str, subresource: str = "") -> None:
    """Set the object's managedFields after a write by `manager`."""
    entries = apply.track_update(old, obj, manager, "Update", schema_of(resource), subresource)
    obj["metadata"]["managedFields"] = entries
    if not entries:
        del obj["metadata"]["managedFields"]


def same(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Whether nothing but the times of managedFields differs."""
    return equal(_timeless(new), _timeless(old))


def _timeless(obj: Mapping[str, Any]) -> dict[str, Any]:
    metadata = obj["metadata"]
    entries = [
        {key: value for key, value in one.items() if key != "time"} for one in metadata.get("managedFields") or ()
    ]
    kept = {key: value for key, value in metadata.items() if value not in (None, "", [], {})}
    return {**obj, "metadata": {**kept, "managedFields": entries}}
