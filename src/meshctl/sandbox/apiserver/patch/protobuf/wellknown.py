"""Types whose JSON is not the object that their protobuf message suggests."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from meshctl.sandbox.apiserver.patch.kinds import INT_OR_STRING, META, QUANTITY, RAW_EXTENSION
from meshctl.sandbox.apiserver.patch.protobuf import duration, wire
from meshctl.sandbox.apiserver.patch.protobuf.wire import Fields, Malformed

EXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Codec:
    """`read` takes the message's fields, `write` gives the message's bytes; None is JSON's null."""

    read: Callable[[Fields], Any]
    write: Callable[[Any], bytes]


def _number(fields: Fields, number: int, bits: int = 64) -> int:
    value = fields.get(number, [0])[-1]
    if not isinstance(value, int):
        raise Malformed(f"proto: wrong wireType = 2 for field {number}")
    return wire.signed(value, bits)


def _bytes(fields: Fields, number: int) -> bytes:
    value = fields.get(number, [b""])[-1]
    if not isinstance(value, bytes):
        raise Malformed(f"proto: wrong wireType = 0 for field {number}")
    return value


def _moment(fields: Fields) -> datetime | None:
    if not fields:
        return None
    try:
        return EPOCH + timedelta(seconds=_number(fields, 1), microseconds=_number(fields, 2, 32) // 1000)
    except OverflowError as error:
        raise Malformed("a time beyond the year 9999") from error


def _read_time(fields: Fields) -> str | None:
    moment = _moment(fields)
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z" if moment else None


def _read_micro_time(fields: Fields) -> str | None:
    moment = _moment(fields)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z" if moment else None


def _write_time(value: Any, fraction: bool = False) -> bytes:
    if value is None:
        return b""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise Malformed(f"{value!r} is no RFC 3339 time") from error
    seconds = int((moment - EPOCH) // timedelta(seconds=1))
    nanos = moment.microsecond * 1000 if fraction else 0
    return wire.varint_field(1, seconds) + wire.varint_field(2, nanos)


def _read_int_or_string(fields: Fields) -> int | str:
    return _bytes(fields, 3).decode("utf-8", "replace") if _number(fields, 1) else _number(fields, 2, 32)


def _write_int_or_string(value: Any) -> bytes:
    is_text = isinstance(value, str)
    number = 0 if is_text or value is None else int(value)
    text = value.encode() if isinstance(value, str) else b""
    return wire.varint_field(1, int(is_text)) + wire.varint_field(2, number) + wire.bytes_field(3, text)


def _read_json(fields: Fields) -> Any:
    raw = _bytes(fields, 1)
    try:
        return json.loads(raw) if raw else None
    except ValueError as error:
        raise Malformed(f"embedded JSON: {error}") from error


def _write_json(value: Any) -> bytes:
    if value is None:
        return b""
    return wire.bytes_field(1, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def _read_quantity(fields: Fields) -> str:
    return _bytes(fields, 1).decode("utf-8", "replace") or "0"


def _write_quantity(value: Any) -> bytes:
    return wire.bytes_field(1, str("0" if value is None else value).encode())


CODECS: Mapping[str, Codec] = {
    f"{META}.Time": Codec(_read_time, _write_time),
    f"{META}.MicroTime": Codec(_read_micro_time, lambda value: _write_time(value, fraction=True)),
    f"{META}.Duration": Codec(
        lambda fields: duration.text(_number(fields, 1)),
        lambda value: wire.varint_field(1, duration.nanoseconds(value or "0s")),
    ),
    f"{META}.FieldsV1": Codec(_read_json, _write_json),
    QUANTITY: Codec(_read_quantity, _write_quantity),
    INT_OR_STRING: Codec(_read_int_or_string, _write_int_or_string),
    RAW_EXTENSION: Codec(_read_json, _write_json),
    f"{EXTENSIONS}.JSON": Codec(_read_json, _write_json),
}
