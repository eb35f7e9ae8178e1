"""Custom resources: pruned, defaulted and validated by the schema of their definition."""

from __future__ import annotations

from typing import Any

from meshctl.sandbox.apiserver.validation.cause import Cause, invalid
from meshctl.sandbox.apiserver.validation.crd.correlation import ABSENT
from meshctl.sandbox.apiserver.validation.crd.defaults import default_value
from meshctl.sandbox.apiserver.validation.crd.lists import list_causes
from meshctl.sandbox.apiserver.validation.crd.pruning import pruned_value
from meshctl.sandbox.apiserver.validation.crd.rules import has_rules, rule_causes
from meshctl.sandbox.apiserver.validation.crd.structure import structure_causes
from meshctl.sandbox.apiserver.validation.decoding import decoded_metadata
from meshctl.sandbox.apiserver.validation.kubernetes.definitions import OBJECT_META, definitions
from meshctl.sandbox.apiserver.validation.metadata import change_causes, metadata_causes
from meshctl.sandbox.apiserver.validation.names import subdomain

_BLOCKING = frozenset(
    f"FieldValue{reason}" for reason in ("NotSupported", "Required", "TooLong", "TooMany", "TypeInvalid")
)
_SKIPPED = (
    "some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)
_OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def schema_of(crd: dict[str, Any], version: str) -> dict[str, Any]:
    """The openAPIV3Schema of a version; KeyError if the CRD has no such version."""
    for each in crd["spec"]["versions"]:
        if each["name"] == version:
            schema: dict[str, Any] = each.get("schema", {}).get("openAPIV3Schema") or _OPEN
            return schema
    raise KeyError(version)


def prune(crd: dict[str, Any], version: str, obj: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The object without fields that the schema doesn't know, and their paths, sorted.

    DecodeError if its metadata can't be read.
    """
    schema = schema_of(crd, version)
    rooted = schema | {"properties": schema.get("properties", {}) | _resource_fields()}
    unknown: list[str] = []
    kept = pruned_value(rooted, obj, "", unknown)
    if crd["spec"].get("preserveUnknownFields"):
        return decoded_metadata(obj), []
    return decoded_metadata(kept), sorted(unknown)


def _resource_fields() -> dict[str, Any]:
    """The schemas of the fields that every object has."""
    known = definitions()[OBJECT_META]["properties"]
    return {"apiVersion": _OPEN, "kind": _OPEN, "metadata": {"properties": dict.fromkeys(known, _OPEN)}}


def default(crd: dict[str, Any], version: str, obj: dict[str, Any]) -> dict[str, Any]:
    """The object with the schema's defaults, and without nulls where null is no value."""
    kept: dict[str, Any] = default_value(schema_of(crd, version), obj)
    return kept


def validate(crd: dict[str, Any], version: str, obj: dict[str, Any], old: dict[str, Any] | None = None) -> list[Cause]:
    """What the schema, its list types and its CEL rules find wrong; what `old` had too is let pass."""
    schema = schema_of(crd, version)
    before: Any = ABSENT if old is None else old
    meta = obj.get("metadata") or {}
    causes = [
        *metadata_causes(meta, subdomain, crd["spec"].get("scope") != "Cluster"),
        *(change_causes(meta, old.get("metadata") or {}) if old is not None else ()),
        *structure_causes(schema, obj, "", before),
        *_scale_causes(crd, version, obj),
        *list_causes(schema, obj, ""),
    ]
    if not has_rules(schema):
        return causes
    if any(cause.reason in _BLOCKING for cause in causes):
        return [*causes, invalid("<nil>", None, _SKIPPED)]
    return [*causes, *rule_causes(schema, obj, "", before)]


def _scale_causes(crd: dict[str, Any], version: str, obj: dict[str, Any]) -> list[Cause]:
    found = next(each for each in crd["spec"]["versions"] if each["name"] == version)
    path = (found.get("subresources", {}).get("scale") or {}).get("specReplicasPath")
    if not path:
        return []
    value: Any = obj
    for name in path.lstrip(".").split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return []
    kind = {str: "string", float: "float64", bool: "bool"}.get(type(value), "map[string]interface {}")
    return [invalid(path, 0, f"{path} accessor error: {value} is of the type {kind}, expected int64")]
