"""Objects as Go writes them: fields in the order of their type, empty ones left out or written as it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meshctl.sandbox.apiserver.patch.kinds import Field, message, type_name
from meshctl.sandbox.apiserver.patch.kinds.openapi import SPECIAL
from meshctl.sandbox.apiserver.patch.protobuf.reading import read_message

Object = dict[str, Any]


def shaped(obj: Object) -> Object:
    """A built-in kind's object in Go's form; one of another kind as it is."""
    name = type_name(str(obj.get("apiVersion", "")), str(obj.get("kind", "")))
    if name is None:
        return obj
    return {"kind": obj["kind"], "apiVersion": obj["apiVersion"], **_struct(name, obj)}


def _struct(name: str, value: Object) -> Object:
    return dict(_entries(name, value))


def _entries(name: str, value: Object) -> Iterator[tuple[str, Any]]:
    for key, field in message(name).fields.items():
        if field.inline:
            yield from _entries(field.type, value)
            continue
        found = value.get(key)
        written = _absent(field) if found is None else _shaped(field, found)
        if not _left_out(field, written):
            yield key, written


def _shaped(field: Field, value: Any) -> Any:
    if field.type in SPECIAL or not field.is_message or message(field.type).alias:
        return value
    if field.map and isinstance(value, dict):
        return {key: _struct(field.type, one) if isinstance(one, dict) else one for key, one in value.items()}
    if field.repeated and isinstance(value, list):
        return [_struct(field.type, one) if isinstance(one, dict) else one for one in value]
    return _struct(field.type, value) if isinstance(value, dict) else value


def _absent(field: Field) -> Any:
    """What Go writes for a field that is not set; None for nothing, or null."""
    if not field.single or field.presence in ("pointer", "null", "omitzero"):
        return None
    if field.is_message:
        return None if _is_alias(field) else read_message(field.type, b"")
    return {"bool": False, "string": ""}.get(field.type, None if field.type == "bytes" else 0)


def _left_out(field: Field, value: Any) -> bool:
    match field.presence:
        case "always" | "null":
            return False
        case "pointer" | "omitzero":
            return value is None
    struct = field.single and field.is_message and not _is_alias(field)
    return not struct and value in (None, "", 0, False, [], {})


def _is_alias(field: Field) -> bool:
    return field.type not in SPECIAL and message(field.type).alias
