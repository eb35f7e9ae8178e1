"""Scalar fields between their wire form and JSON."""

from __future__ import annotations

import base64
import binascii
import struct
from typing import Any

from meshctl.sandbox.apiserver.patch.protobuf import wire
from meshctl.sandbox.apiserver.patch.protobuf.wire import Malformed, Value

ZEROS = {"string": "", "bytes": "", "bool": False, "double": 0.0}
INTEGER_BITS = {"int32": 32, "int64": 64}


def zero(kind: str) -> Any:
    return ZEROS.get(kind, 0)


def from_wire(kind: str, value: Value) -> Any:
    """The JSON value of a scalar; Malformed if it came in another type's wire form."""
    if isinstance(value, int):
        return _from_varint(kind, value)
    match kind:
        case "string":
            return _text(value)
        case "bytes":
            return base64.b64encode(value).decode()
        case "double" if len(value) == 8:
            return float(struct.unpack("<d", value)[0])
    raise Malformed(f"proto: wrong wireType for a {kind}")


def _from_varint(kind: str, value: int) -> Any:
    if kind == "bool":
        return bool(value)
    if kind not in INTEGER_BITS:
        raise Malformed(f"proto: wrong wireType = 0 for a {kind}")
    return wire.signed(value, INTEGER_BITS[kind])


def _text(value: bytes) -> str:
    # Go's strings may hold anything; its JSON encoder writes the replacement character.
    return value.decode("utf-8", "replace")


def unpacked(kind: str, values: list[Value]) -> list[Any]:
    """All values of a repeated scalar, also where several are packed into one byte string."""
    found: list[Any] = []
    for value in values:
        if isinstance(value, bytes) and kind in (*INTEGER_BITS, "bool"):
            found += _packed(kind, value)
        else:
            found.append(from_wire(kind, value))
    return found


def _packed(kind: str, data: bytes) -> list[Any]:
    place, found = 0, []
    while place < len(data):
        value, place = wire.read_varint(data, place)
        found.append(from_wire(kind, value))
    return found


def field(number: int, kind: str, value: Any) -> bytes:
    """The field on the wire; Malformed if the JSON value is of another type."""
    try:
        match kind:
            case "string" if isinstance(value, str):
                return wire.bytes_field(number, value.encode())
            case "bytes":
                return wire.bytes_field(number, base64.b64decode(value, validate=True))
            case "double":
                return wire.double_field(number, float(value))
            case "bool" | "int32" | "int64":
                return wire.varint_field(number, int(value))
    except (TypeError, ValueError, binascii.Error) as error:
        raise Malformed(f"{value!r} is no {kind}") from error
    raise Malformed(f"{value!r} is no {kind}")
