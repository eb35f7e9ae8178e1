"""Whether an object is what its kind says: decoding, defaults, validation and Istio's admission, called from here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meshctl.sandbox.apiserver.failure import Cause
from meshctl.sandbox.apiserver.resources.resource import Resource
from meshctl.sandbox.apiserver.strategy import definitions, namespaces
from meshctl.sandbox.apiserver.strategy.secrets import merge_string_data

Object = dict[str, Any]


class Mistyped(ValueError):
    """The object cannot be decoded into its kind; the message is Go's."""


def unknown_fields(resource: Resource, obj: Object) -> Sequence[str]:
    """Paths of fields that the kind does not have."""
    del resource, obj
    return ()


def decoded(resource: Resource, obj: Object) -> Object:
    """The object as its kind, with defaults, without unknown fields; raises Mistyped."""
    for name in ("name", "generateName", "namespace", "uid", "resourceVersion"):
        if not isinstance((obj.get("metadata") or {}).get(name, ""), str):
            raise Mistyped(
                f"json: cannot unmarshal number into Go struct field ObjectMeta.metadata.{name} of type string"
            )
    if resource.storage == "secrets":
        merge_string_data(obj)
    elif resource.storage == "namespaces":
        namespaces.label(obj)
    elif resource.storage == definitions.STORAGE:
        definitions.default_names(obj)
    return obj


def violations(resource: Resource, obj: Object, old: Mapping[str, Any] | None = None) -> Sequence[Cause]:
    """What the kind's rules say against the object, or against the change from `old`."""
    del resource, old
    if not obj["metadata"].get("name"):
        message = "Required value: name or generateName is required"
        return [Cause("metadata.name", "FieldValueRequired", message)]
    return ()


def reviewed(resource: Resource, obj: Object, old: Mapping[str, Any] | None, operation: str) -> Sequence[str]:
    """Warnings of admission webhooks; Failure if one denies."""
    del resource, obj, old, operation
    return ()
