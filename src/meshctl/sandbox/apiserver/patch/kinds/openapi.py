"""The built-in types as OpenAPI definitions with Kubernetes' patch and list extensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from meshctl.sandbox.apiserver.patch.kinds import (
    INT_OR_STRING,
    META,
    QUANTITY,
    RAW_EXTENSION,
    Field,
    Message,
    message,
)

REF = "#/definitions/"
# What Go writes for a field that is neither pointer nor omitempty; Go's own documents show it as `default`, which
# a custom resource's schema uses for something else.
ZERO = "x-meshctl-zero"

JSON_TYPES = {
    "string": {"type": "string"},
    "bytes": {"type": "string", "format": "byte"},
    "bool": {"type": "boolean"},
    "double": {"type": "number", "format": "double"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
}
_EXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1"
SPECIAL: Mapping[str, Mapping[str, Any]] = {
    f"{META}.Time": {"type": "string", "format": "date-time"},
    f"{META}.MicroTime": {"type": "string", "format": "date-time"},
    f"{META}.Duration": {"type": "string"},
    f"{META}.FieldsV1": {"type": "object"},
    QUANTITY: {"type": "string", "format": "quantity"},
    INT_OR_STRING: {"type": "string", "format": "int-or-string"},
    RAW_EXTENSION: {"x-kubernetes-map-type": "atomic"},
    f"{_EXTENSIONS}.JSON": {},
    f"{_EXTENSIONS}.JSONSchemaPropsOrArray": {},
    f"{_EXTENSIONS}.JSONSchemaPropsOrBool": {},
    f"{_EXTENSIONS}.JSONSchemaPropsOrStringArray": {},
}
EXTENSIONS = {
    "list": "x-kubernetes-list-type",
    "keys": "x-kubernetes-list-map-keys",
    "mapType": "x-kubernetes-map-type",
    "merge": "x-kubernetes-patch-merge-key",
    "strategy": "x-kubernetes-patch-strategy",
    "default": "default",
}
ZEROS = {"string": "", "bytes": None, "bool": False, QUANTITY: "0", INT_OR_STRING: 0, f"{META}.Duration": "0s"}


@cache
def definition(name: str) -> Mapping[str, Any]:
    """The OpenAPI v2 node of a built-in type (`io.k8s.api.core.v1.Pod`), references as `#/definitions/NAME`."""
    if name in SPECIAL:
        return SPECIAL[name]
    found = message(name)
    if found.alias:
        return {"type": "array", "items": _value_node(found.fields["items"])}
    node: dict[str, Any] = {"type": "object", "properties": dict(_properties(found))}
    if found.map_type:
        node["x-kubernetes-map-type"] = found.map_type
    return node


def resolve(reference: str) -> Mapping[str, Any]:
    """What a `$ref` of these definitions points to."""
    return definition(reference.removeprefix(REF))


def _properties(found: Message) -> Iterator[tuple[str, Any]]:
    for name, field in found.fields.items():
        if field.inline:
            yield from _properties(message(field.type))
        else:
            yield name, _property(field)


def _property(field: Field) -> dict[str, Any]:
    node = _value_node(field)
    if field.map:
        node = {"type": "object", "additionalProperties": node}
    elif field.repeated:
        node = {"type": "array", "items": node}
    node |= {EXTENSIONS[marker]: value for marker, value in field.markers.items()}
    if _always_written(field):
        node[ZERO] = _zero(field)
    return node


def _value_node(field: Field) -> dict[str, Any]:
    return {"$ref": REF + field.type} if field.is_message else dict(JSON_TYPES[field.type])


def _always_written(field: Field) -> bool:
    if field.presence == "omit":
        # Go's omitempty does not apply to structs.
        return field.single and field.is_message and not _is_alias(field)
    return field.presence in ("always", "null")


def _is_alias(field: Field) -> bool:
    return field.type not in SPECIAL and message(field.type).alias


def _zero(field: Field) -> Any:
    if not field.single or field.presence == "null" or (field.is_message and _is_alias(field)):
        return None
    if field.is_message:
        return ZEROS.get(field.type) if field.type in SPECIAL else {}
    return ZEROS.get(field.type, 0)
