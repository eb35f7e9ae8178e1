"""Whether an object is what its kind says: decoding, defaults, validation and admission by Istio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meshctl.sandbox.apiserver import goform
from meshctl.sandbox.apiserver.failure import Cause, Failure
from meshctl.sandbox.apiserver.resources.resource import Resource
from meshctl.sandbox.apiserver.strategy import definitions
from meshctl.sandbox.apiserver.strategy.secrets import merge_string_data
from meshctl.sandbox.apiserver.validation import admission, decoding
from meshctl.sandbox.apiserver.validation.decoding import DecodeError
from meshctl.sandbox.apiserver.validation.kubernetes.defaults import defaulted

Object = dict[str, Any]

Mistyped = DecodeError


def unknown_fields(resource: Resource, obj: Object) -> Sequence[str]:
    """Paths of fields that the kind does not have."""
    return [] if resource.custom else decoding.unknown_fields(obj)


def decoded(resource: Resource, obj: Object) -> Object:
    """The object as its kind, with defaults, without unknown fields, in Go's form; raises Mistyped."""
    if resource.custom:
        return obj
    obj = decoding.decoded(obj)
    if resource.storage == "secrets":
        merge_string_data(obj)
    elif resource.storage == definitions.STORAGE:
        definitions.default_names(obj)
    return goform.shaped(defaulted(obj))


def violations(resource: Resource, obj: Object, old: Mapping[str, Any] | None = None) -> Sequence[Cause]:
    """What the kind's rules say against the object, or against the change from `old`."""
    del resource, old
    if not obj["metadata"].get("name"):
        message = "Required value: name or generateName is required"
        return [Cause("metadata.name", "FieldValueRequired", message)]
    return ()


def reviewed(resource: Resource, obj: Object, old: Mapping[str, Any] | None, operation: str) -> Sequence[str]:
    """Warnings of admission webhooks; Failure 400 if one denies."""
    if not resource.custom:
        return ()
    denied, warnings = admission.review(obj, dict(old) if old else None, operation)
    if denied:
        raise Failure(400, "", denied)
    return warnings
