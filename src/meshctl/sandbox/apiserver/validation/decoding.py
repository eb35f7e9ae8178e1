"""Reads JSON as a built-in kind: its unknown fields, and the first that Go can't decode, in Go's words."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from meshctl.sandbox.apiserver.validation import quantity, schema
from meshctl.sandbox.apiserver.validation.formats import fits_format
from meshctl.sandbox.apiserver.validation.golang import as_json, quote
from meshctl.sandbox.apiserver.validation.kubernetes.definitions import (
    INT_OR_STRING,
    OBJECT_META,
    QUANTITY,
    REF,
    TIME,
    Node,
    referenced,
    resolved,
)

_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
_GO_TYPES = {"string": "string", "boolean": "bool", "number": "float64"}
_CUSTOM = (QUANTITY, INT_OR_STRING, *TIME)


class DecodeError(ValueError):
    """An object is not what its kind says; the text follows `X in version "V" cannot be handled as a X: `."""


@dataclass(frozen=True)
class _Place:
    """Where a value stands, as Go's decoder says it: the innermost struct and the path without indices."""

    struct: str
    path: str

    def within(self, name: str) -> _Place:
        return replace(self, path=f"{self.path}.{name}" if self.path else name)


def unknown_fields(obj: dict[str, Any]) -> list[str]:
    """Paths such as `spec.ports[0].prt` of fields that the object's kind doesn't have; none for unknown kinds."""
    node = schema.of(obj)
    return list(_unknown(node, obj, "")) if node is not None else []


def duplicate_fields(text: str) -> list[str]:
    """Paths of fields that a JSON text gives twice."""
    found: list[str] = []
    _paths(json.loads(text, object_pairs_hook=_Pairs), "", found)
    return found


def decoded(obj: dict[str, Any]) -> dict[str, Any]:
    """The object as its kind holds it: no unknown fields, no nulls, quantities and times in their usual form.

    DecodeError at the first value of another type. An object of an unknown kind comes back as it is.
    """
    node = schema.of(obj)
    if node is None:
        return obj
    kept: dict[str, Any] = _value(node, obj, _Place(str(obj["kind"]), ""))
    return kept


def decoded_metadata(obj: dict[str, Any]) -> dict[str, Any]:
    """A custom resource with its metadata as every object holds it; DecodeError as `decoded`."""
    meta = obj.get("metadata")
    if meta is None:
        return obj
    return obj | {"metadata": _value({"$ref": f"{REF}{OBJECT_META}"}, meta, _Place(str(obj.get("kind")), "metadata"))}


class _Pairs(list[tuple[str, Any]]):
    """The members of a JSON object, repeated ones too."""


def _paths(value: Any, path: str, found: list[str]) -> None:
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for name, item in value:
            inner = f"{path}.{name}" if path else name
            if name in seen and inner not in found:
                found.append(inner)
            seen.add(name)
            _paths(item, inner, found)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            _paths(item, f"{path}[{at}]", found)


def _unknown(node: Node, value: Any, path: str) -> Iterator[str]:
    target = resolved(node)
    if isinstance(value, list):
        for at, item in enumerate(value):
            yield from _unknown(target.get("items", {}), item, f"{path}[{at}]")
    if not isinstance(value, dict):
        return
    known = target.get("properties")
    values = target.get("additionalProperties")
    for name, item in value.items():
        inner = f"{path}.{name}" if path else name
        if isinstance(values, Mapping):
            yield from _unknown(values, item, inner)
        elif known is not None and name not in known:
            yield inner
        elif known is not None:
            yield from _unknown(known[name], item, inner)


def _value(node: Node, value: Any, place: _Place) -> Any:
    name = referenced(node)
    if name in _CUSTOM:
        return _custom(name, value)
    target = resolved(node)
    match target.get("type"):
        case "object" if name or "properties" in target or "additionalProperties" in target:
            return _object(target, name, value, place)
        case "array":
            return _list(target, value, place)
        case None | "object":
            return value
    return _scalar(target, value, place)


def _object(target: Node, name: str | None, value: Any, place: _Place) -> Any:
    values = target.get("additionalProperties")
    if not isinstance(value, dict):
        if isinstance(values, Mapping):
            raise _unfit(value, place, f"map[string]{_go_type(values)}")
        raise _unfit(value, place, _struct_type(name))
    if isinstance(values, Mapping):
        return {key: _value(values, item, place) for key, item in value.items() if item is not None}
    known = target.get("properties")
    if known is None:
        return value
    owner = _Place(name.rpartition(".")[2] if name else place.struct, place.path)
    return {
        key: _value(known[key], item, owner.within(key))
        for key, item in value.items()
        if key in known and item is not None
    }


def _list(target: Node, value: Any, place: _Place) -> list[Any]:
    if not isinstance(value, list):
        raise _unfit(value, place, _go_type(target))
    return [_value(target["items"], item, place) for item in value]


def _scalar(target: Node, value: Any, place: _Place) -> Any:
    kind, form = target["type"], target.get("format", "")
    if kind == "string":
        if not isinstance(value, str):
            raise _unfit(value, place, "[]uint8" if form == "byte" else "string")
        if form == "byte":
            _check_base64(value)
    elif kind == "boolean":
        if not isinstance(value, bool):
            raise _unfit(value, place, "bool")
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise _unfit(value, place, _go_type(target))
    elif kind == "integer":
        return _integer(value, place, form)
    return value


def _integer(value: float, place: _Place, form: str) -> int:
    low, high = _RANGES[form]
    if isinstance(value, float) or not low <= value <= high:
        raise _unfit(value, place, form, exact=True)
    return value


def _check_base64(text: str) -> None:
    """Go names the byte at which a text stops being base64."""
    plain = text.replace("\n", "").replace("\r", "")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    bad = next((at for at, letter in enumerate(plain.rstrip("=")) if letter not in alphabet), None)
    try:
        base64.b64decode(plain, validate=True)
    except ValueError as error:
        at = len(plain) - len(plain) % 4 if bad is None else bad
        raise DecodeError(f"illegal base64 data at input byte {at}") from error


def _custom(name: str | None, value: Any) -> Any:
    if name == QUANTITY:
        return _quantity(value)
    if name == INT_OR_STRING:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise DecodeError(f"json: cannot unmarshal {_kind(value)} into Go value of type int32")
        return value
    return _time(value, micro=name == TIME[1])


def _quantity(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise DecodeError(f"json: cannot unmarshal {_kind(value)} into Go value of type string")
    try:
        return quantity.canonical(value)
    except quantity.QuantityError as error:
        raise DecodeError(str(error)) from error


def _time(value: Any, micro: bool) -> str:
    if not isinstance(value, str):
        raise DecodeError(f"json: cannot unmarshal {_kind(value)} into Go value of type string")
    form = "2006-01-02T15:04:05.000000Z07:00" if micro else "2006-01-02T15:04:05Z07:00"
    if not fits_format("date-time", value):
        raise DecodeError(f'parsing time {quote(value)} as "{form}": cannot parse {quote(value)} as "2006"')
    moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{moment.microsecond:06}Z" if micro else f"{text}Z"


def _go_type(node: Node) -> str:
    name = referenced(node)
    if name:
        return _struct_type(name)
    match node.get("type"):
        case "array":
            return f"[]{_go_type(node['items'])}"
        case "object" if isinstance(node.get("additionalProperties"), Mapping):
            return f"map[string]{_go_type(node['additionalProperties'])}"
        case "integer":
            return str(node.get("format", "int64"))
    return "[]uint8" if node.get("format") == "byte" else _GO_TYPES.get(str(node.get("type")), "interface {}")


def _struct_type(name: str | None) -> str:
    parts: Sequence[str] = (name or "").split(".")
    return ".".join(parts[-2:])


def _kind(value: Any) -> str:
    names: tuple[tuple[Any, str], ...] = (
        (bool, "bool"),
        (int | float, "number"),
        (str, "string"),
        (list, "array"),
        (dict, "object"),
    )
    return next((name for python, name in names if isinstance(value, python)), "null")


def _unfit(value: Any, place: _Place, go_type: str, exact: bool = False) -> DecodeError:
    kind = f"number {as_json(value)}" if exact else _kind(value)
    where = f"struct field {place.struct}.{place.path}" if place.path else "value"
    return DecodeError(f"json: cannot unmarshal {kind} into Go {where} of type {go_type}")
