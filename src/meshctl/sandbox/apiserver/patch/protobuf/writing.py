"""Messages from JSON to the bytes that Go writes for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from meshctl.sandbox.apiserver.patch.kinds import Field, message
from meshctl.sandbox.apiserver.patch.protobuf import scalars, wire
from meshctl.sandbox.apiserver.patch.protobuf.schemas import CHOICES, split
from meshctl.sandbox.apiserver.patch.protobuf.wellknown import CODECS
from meshctl.sandbox.apiserver.patch.protobuf.wire import Malformed

# As the fields are numbered.
CHOICE_ORDER = ("allows", "schema", "jSONSchemas", "property")


def write_message(name: str, value: Any) -> bytes:
    """The bytes of a message of this type (an OpenAPI name); Malformed if the JSON does not fit it."""
    if name in CODECS:
        return CODECS[name].write(value)
    found = message(name)
    if found.alias:
        return b"".join(scalars.field(1, "string", item) for item in value or ())
    if name in CHOICES:
        parts = split(name, value)
        return b"".join(_field(found.fields[key], parts, key) for key in sorted(parts, key=CHOICE_ORDER.index))
    if not isinstance(value, Mapping):
        raise Malformed(f"{name.rpartition('.')[2]}: expected an object, got {value!r}")
    fields = sorted(found.fields.items(), key=lambda item: item[1].number)
    return b"".join(_field(field, value, key) for key, field in fields)


def _field(field: Field, values: Mapping[str, Any], key: str) -> bytes:
    if field.inline:
        return wire.bytes_field(field.number, write_message(field.type, values))
    value = values.get(key)
    if field.map:
        return b"".join(_map_entries(field, value or {}))
    if field.repeated:
        return b"".join(_single(field, item) for item in value or ())
    if value is None:
        return _absent(field)
    return _single(field, value)


def _map_entries(field: Field, values: Mapping[str, Any]) -> Iterator[bytes]:
    for key in sorted(values):
        name = wire.bytes_field(1, key.encode())
        yield wire.bytes_field(field.number, name + _single(field, values[key], number=2))


def _single(field: Field, value: Any, number: int = 0) -> bytes:
    number = number or field.number
    if field.is_message:
        return wire.bytes_field(number, write_message(field.type, value))
    return scalars.field(number, field.type, value)


def _absent(field: Field) -> bytes:
    """Go writes every field that is no pointer, list or map."""
    if field.presence in ("pointer", "null") or field.type == "bytes":
        return b""
    if field.is_message and message(field.type).alias:
        return b""
    is_struct = field.is_message and field.type not in CODECS
    return _single(field, {} if is_struct else None if field.is_message else scalars.zero(field.type))
