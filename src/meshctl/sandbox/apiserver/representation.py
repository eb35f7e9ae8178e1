"""Objects between storage and clients: kind and apiVersion, order of metadata, the versions of one storage."""

from __future__ import annotations

from typing import Any

from meshctl.sandbox.apiserver import conversion, goform
from meshctl.sandbox.apiserver.resources.resource import Resource
from meshctl.sandbox.apiserver.storage.revision import Stored, dump

Object = dict[str, Any]

METADATA_ORDER = (
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
)


def typed(resource: Resource, obj: Object) -> Object:
    """The object with its kind and apiVersion first and metadata in Kubernetes' order."""
    rest = {key: value for key, value in obj.items() if key not in ("kind", "apiVersion", "metadata")}
    head = {"kind": resource.kind, "apiVersion": resource.group_version}
    return head | {"metadata": ordered(obj.get("metadata") or {})} | rest


def ordered(metadata: Object) -> Object:
    """Metadata in the order of ObjectMeta's fields, without empty ones."""
    return {key: metadata[key] for key in METADATA_ORDER if metadata.get(key) not in (None, "", [], {})}


def load(resource: Resource, stored: Stored) -> Object:
    """The stored object as a client of this version sees it."""
    return typed(resource, conversion.from_storage(resource, stored.load()))


def stored_form(resource: Resource, obj: Object) -> Object:
    """What the store keeps of a client's object."""
    whole = typed(resource, obj) if resource.custom else goform.shaped(typed(resource, obj))
    kept = conversion.to_storage(resource, whole)
    return {key: value for key, value in kept.items() if key not in ("kind", "apiVersion")}


def encoded(resource: Resource, data: bytes) -> bytes:
    """JSON of a stored object for a client of this version; parses nothing unless versions differ."""
    if conversion.needed(resource):
        return dump(load(resource, Stored("", 0, data)))
    return _head(resource) + data[1:]


def _head(resource: Resource) -> bytes:
    return f'{{"kind":"{resource.kind}","apiVersion":"{resource.group_version}",'.encode()


def encoded_item(resource: Resource, data: bytes) -> bytes:
    """The same within a list, where custom resources carry kind and apiVersion and others don't."""
    if conversion.needed(resource):
        whole = load(resource, Stored("", 0, data))
        return dump({key: value for key, value in whole.items() if key not in ("kind", "apiVersion")})
    return _head(resource) + data[1:] if resource.custom else data
