"""The protobuf wire format: tagged fields of varints, fixed words and byte strings."""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Value = int | bytes
Fields = dict[int, list[Value]]


class Malformed(ValueError):
    """Bytes that are no protobuf message of the expected kind."""


def read(data: bytes) -> Fields:
    """Every field's values by number, in order of appearance; fixed words as bytes. Malformed if cut short."""
    found: Fields = {}
    for number, value in _fields(data):
        found.setdefault(number, []).append(value)
    return found


def _fields(data: bytes) -> Iterator[tuple[int, Value]]:
    place = 0
    while place < len(data):
        tag, place = read_varint(data, place)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise Malformed("proto: illegal tag 0 (wire type 0)")
        if kind == VARINT:
            value, place = read_varint(data, place)
            yield number, value
            continue
        length, place = _length(data, place, kind)
        if place + length > len(data):
            raise Malformed("unexpected EOF")
        yield number, data[place : place + length]
        place += length


def _length(data: bytes, place: int, kind: int) -> tuple[int, int]:
    match kind:
        case 1:
            return 8, place
        case 2:
            return read_varint(data, place)
        case 5:
            return 4, place
    raise Malformed(f"proto: illegal wireType {kind}")


def read_varint(data: bytes, place: int) -> tuple[int, int]:
    """An unsigned varint and the place behind it."""
    value = shift = 0
    while True:
        if place >= len(data):
            raise Malformed("unexpected EOF")
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, place
        if shift >= 70:
            raise Malformed("proto: integer overflow")


def signed(value: int, bits: int) -> int:
    """An integer from its two's complement of 64 bits, cut to `bits`."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def varint(value: int) -> bytes:
    """The varint of an integer; a negative one takes ten bytes."""
    value &= 0xFFFFFFFFFFFFFFFF
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def varint_field(number: int, value: int) -> bytes:
    return varint(number << 3 | VARINT) + varint(value)


def bytes_field(number: int, value: bytes) -> bytes:
    return varint(number << 3 | BYTES) + varint(len(value)) + value


def double_field(number: int, value: float) -> bytes:
    return varint(number << 3 | FIXED64) + struct.pack("<d", value)
