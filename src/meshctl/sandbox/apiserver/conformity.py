"""Whether an object is what its kind says: decoding, defaults, validation and admission by Istio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meshctl.sandbox.apiserver import goform, validation
from meshctl.sandbox.apiserver.failure import Cause, Failure
from meshctl.sandbox.apiserver.resources.resource import Resource
from meshctl.sandbox.apiserver.strategy import definitions
from meshctl.sandbox.apiserver.strategy.secrets import merge_string_data
from meshctl.sandbox.apiserver.strategy.services import default_address_mode
from meshctl.sandbox.apiserver.validation import DecodeError, admission, crd

Object = dict[str, Any]

NO_PATH = "[]"
"""How field.NewPath("") prints."""

Mistyped = DecodeError
"""The object cannot be decoded into its kind; the message is Go's."""


def unknown_fields(resource: Resource, obj: Object) -> Sequence[str]:
    """Paths of fields that the kind does not have."""
    if resource.crd is None:
        return validation.unknown_fields(obj)
    found = [*validation.unknown_fields(_metadata(obj)), *crd.prune(dict(resource.crd), resource.version, _own(obj))[1]]
    return sorted(found)


def decoded(resource: Resource, obj: Object) -> Object:
    """The object as its kind, with defaults, without unknown fields, in Go's form; raises Mistyped."""
    if resource.crd is not None:
        definition = dict(resource.crd)
        metadata = validation.decoded(_metadata(obj))["metadata"]
        pruned, _ = crd.prune(definition, resource.version, _own(obj))
        return crd.default(definition, resource.version, pruned) | {"metadata": metadata}
    obj = validation.decoded(obj)
    if resource.storage == "secrets":
        merge_string_data(obj)
    elif resource.storage == "services":
        default_address_mode(obj)
    elif resource.storage == definitions.STORAGE:
        definitions.default_names(obj)
    return goform.shaped(validation.default(obj))


def _own(obj: Object) -> Object:
    """A custom resource without its metadata, which its schema says nothing about."""
    return {key: value for key, value in obj.items() if key != "metadata"}


def _metadata(obj: Object) -> Object:
    """An object of a built-in kind with the same metadata."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": obj.get("metadata") or {}}


def violations(resource: Resource, obj: Object, old: Mapping[str, Any] | None = None) -> Sequence[Cause]:
    """What the kind's rules say against the object, or against the change from `old`."""
    before = dict(old) if old is not None else None
    if resource.crd is not None:
        found = crd.validate(dict(resource.crd), resource.version, obj, before)
    else:
        found = validation.validate(_foreign(obj), _foreign(before) if before else None)
    return [Cause(one.field or NO_PATH, one.reason, one.message) for one in found]


def _foreign(obj: Object) -> Object:
    """The object without the finalizer that this server itself sets on definitions, which clients may not."""
    metadata = obj["metadata"]
    kept = [one for one in metadata.get("finalizers") or () if one != definitions.FINALIZER]
    return {**obj, "metadata": {**metadata, "finalizers": kept}}


def reviewed(resource: Resource, obj: Object, old: Mapping[str, Any] | None, operation: str) -> Sequence[str]:
    """Warnings of admission webhooks; Failure 400 if one denies."""
    if not resource.custom:
        return ()
    denied, warnings = admission.review(obj, dict(old) if old else None, operation)
    if denied:
        raise Failure(400, "", denied)
    return warnings
