"""Protobuf messages as the JSON that Envoy reads: what is unset is left out."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

TYPE_URL = "type.googleapis.com/"


def message(**fields: Any) -> Json:
    """A message of these fields; None, empty lists and empty texts are unset, `{}`, 0 and False are not."""
    return {name: value for name, value in fields.items() if _is_set(value)}


def _is_set(value: object) -> bool:
    return value is not None and value not in ("", [], ())


def typed(type_name: str, **fields: Any) -> Json:
    """An `Any` that holds a message of that type."""
    return {"@type": TYPE_URL + type_name, **message(**fields)}


def extension(name: str, type_name: str, **fields: Any) -> Json:
    """A named extension with its configuration."""
    return {"name": name, "typed_config": typed(type_name, **fields)}


def socket_address(address: str, port: int) -> Json:
    """A TCP address."""
    return {"socket_address": {"address": address, "port_value": port}}
