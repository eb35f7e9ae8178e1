"""Messages from the wire to the JSON that Go would have written for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meshctl.sandbox.apiserver.patch.kinds import Field, message
from meshctl.sandbox.apiserver.patch.protobuf import scalars, wire
from meshctl.sandbox.apiserver.patch.protobuf.schemas import CHOICES, chosen
from meshctl.sandbox.apiserver.patch.protobuf.wellknown import CODECS
from meshctl.sandbox.apiserver.patch.protobuf.wire import Fields, Malformed, Value


def read_message(name: str, data: bytes) -> Any:
    """The JSON of a message of this type (an OpenAPI name); Malformed if the bytes do not fit."""
    return _json(name, wire.read(data))


def _json(name: str, fields: Fields) -> Any:
    if name in CODECS:
        return CODECS[name].read(fields)
    found = message(name)
    if found.alias:
        return scalars.unpacked("string", fields.get(1, []))
    if name in CHOICES:
        return chosen(name, {key: _value(field, fields[field.number]) for key, field in _present(name, fields)})
    return dict(_entries(name, fields))


def _present(name: str, fields: Fields) -> Iterator[tuple[str, Field]]:
    return ((key, field) for key, field in message(name).fields.items() if field.number in fields)


def _entries(name: str, fields: Fields) -> Iterator[tuple[str, Any]]:
    for key, field in message(name).fields.items():
        values = fields.get(field.number, [])
        if field.inline:
            yield from _entries(field.type, _joined(values))
        elif values or _written_if_absent(field):
            value = _value(field, values) if values else _absent(field)
            if not _left_out(field, value):
                yield key, value


def _value(field: Field, values: list[Value]) -> Any:
    if field.map:
        return dict(sorted(_map_entry(field, value) for value in values))
    if field.repeated:
        return _items(field, values)
    return _json(field.type, _joined(values)) if field.is_message else scalars.from_wire(field.type, values[-1])


def _items(field: Field, values: list[Value]) -> list[Any]:
    if field.is_message:
        return [_json(field.type, _joined([value])) for value in values]
    return scalars.unpacked(field.type, values)


def _map_entry(field: Field, value: Value) -> tuple[str, Any]:
    entry = _joined([value])
    key = scalars.from_wire("string", entry.get(1, [b""])[-1])
    values = entry.get(2, [])
    if field.is_message:
        return key, _json(field.type, _joined(values))
    return key, scalars.from_wire(field.type, values[-1]) if values else scalars.zero(field.type)


def _joined(values: list[Value]) -> Fields:
    """The fields of a message that came in one or more pieces."""
    fields: Fields = {}
    for value in values:
        if not isinstance(value, bytes):
            raise Malformed("proto: wrong wireType = 0 for a message")
        for number, found in wire.read(value).items():
            fields.setdefault(number, []).extend(found)
    return fields


def _written_if_absent(field: Field) -> bool:
    if field.presence == "omit":
        return field.single and field.is_message and not message(field.type).alias
    return field.presence in ("always", "null")


def _absent(field: Field) -> Any:
    if not field.single or field.presence == "null" or field.type == "bytes":
        return None
    if field.is_message:
        return None if message(field.type).alias else _json(field.type, {})
    return scalars.zero(field.type)


def _left_out(field: Field, value: Any) -> bool:
    """Whether Go's omitempty or omitzero leaves the value out."""
    if field.presence == "omitzero":
        return value is None
    if field.presence != "omit" or (field.single and field.is_message):
        return False
    return not value
