"""The envelope of Kubernetes' protobuf media type: `k8s\\0` and a runtime.Unknown around the message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.apiserver.patch.kinds import type_name
from meshctl.sandbox.apiserver.patch.protobuf import wire
from meshctl.sandbox.apiserver.patch.protobuf.reading import read_message
from meshctl.sandbox.apiserver.patch.protobuf.wire import Fields, Malformed
from meshctl.sandbox.apiserver.patch.protobuf.writing import write_message

MAGIC = b"k8s\x00"
TYPE_META, RAW, CONTENT_ENCODING, CONTENT_TYPE = 1, 2, 3, 4


def decode(data: bytes) -> dict[str, Any]:
    """The object as the JSON that its client would have sent; Malformed if it is none of a known kind."""
    if not data.startswith(MAGIC):
        expected = " ".join(map(str, MAGIC))
        raise Malformed(f"provided data does not appear to be a protobuf message, expected prefix [{expected}]")
    envelope = wire.read(data[len(MAGIC) :])
    meta = wire.read(_bytes(envelope, TYPE_META))
    api_version, kind = _text(meta, 1), _text(meta, 2)
    try:
        body = _body(envelope, api_version, kind)
    except RecursionError as error:
        raise Malformed("nested too deeply") from error
    return {"kind": kind, "apiVersion": api_version, **body}


def _body(envelope: Fields, api_version: str, kind: str) -> dict[str, Any]:
    raw, content_type = _bytes(envelope, RAW), _text(envelope, CONTENT_TYPE)
    if content_type == "application/json":
        return _object(_json(raw))
    return _object(read_message(_known(api_version, kind), raw))


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError as error:
        raise Malformed(f"json parse error: {error}") from error


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed("not an object")
    return value


def encode(item: Mapping[str, Any]) -> bytes:
    """The object's bytes as Go writes them; Malformed if its kind is not known or a value does not fit."""
    api_version, kind = str(item.get("apiVersion", "")), str(item.get("kind", ""))
    raw = write_message(_known(api_version, kind), item)
    meta = wire.bytes_field(1, api_version.encode()) + wire.bytes_field(2, kind.encode())
    return MAGIC + b"".join(
        (
            wire.bytes_field(TYPE_META, meta),
            wire.bytes_field(RAW, raw),
            wire.bytes_field(CONTENT_ENCODING, b""),
            wire.bytes_field(CONTENT_TYPE, b""),
        )
    )


def _known(api_version: str, kind: str) -> str:
    name = type_name(api_version, kind)
    if name is None:
        raise Malformed(f'no kind "{kind}" is registered for version "{api_version}"')
    return name


def _bytes(fields: Fields, number: int) -> bytes:
    value = fields.get(number, [b""])[-1]
    if not isinstance(value, bytes):
        raise Malformed("proto: wrong wireType = 0 for field Unknown")
    return value


def _text(fields: Fields, number: int) -> str:
    return _bytes(fields, number).decode("utf-8", "replace")
