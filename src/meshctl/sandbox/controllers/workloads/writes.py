"""Writes of controllers: each is known at once, before the watch tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.controllers.api import MERGE, Api, ApiFault
from meshctl.sandbox.controllers.objects import GROUPS, Objects

Object = dict[str, Any]


def path(kind: str, found: Mapping[str, Any]) -> str:
    """An object's path at the API."""
    metadata = found["metadata"]
    return f"{GROUPS[kind]}/namespaces/{metadata['namespace']}/{kind}/{metadata['name']}"


async def write_status(api: Api, objects: Objects, kind: str, found: Object, status: Object) -> Object:
    """Replace an object's status, if it differs; ApiFault 409 if the object is not the latest."""
    if (found.get("status") or {}) == status:
        return found
    written = await api.ask("PUT", f"{path(kind, found)}/status", {**found, "status": status})
    objects.put(kind, written)
    return written


async def forget(api: Api, objects: Objects, kind: str, found: Object) -> None:
    """Delete an object, as it is known; one that is gone is fine."""
    options = {"preconditions": {"uid": found["metadata"]["uid"]}, "propagationPolicy": "Background"}
    try:
        left = await api.ask("DELETE", path(kind, found), options)
    except ApiFault as fault:
        if fault.code == 404:
            objects.drop(kind, found)
            return
        raise
    if (left.get("metadata") or {}).get("deletionTimestamp"):
        objects.put(kind, left)
    else:
        objects.drop(kind, found)


async def annotate(api: Api, objects: Objects, kind: str, found: Object, wanted: Mapping[str, str]) -> Object:
    """Set annotations that an object lacks or has otherwise."""
    have = found["metadata"].get("annotations") or {}
    change = {key: value for key, value in wanted.items() if have.get(key) != value}
    if not change:
        return found
    body = {"metadata": {"annotations": change}}
    written = await api.ask("PATCH", path(kind, found), body, MERGE)
    objects.put(kind, written)
    return written
