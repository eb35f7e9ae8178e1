"""Reads JSON as Istio's messages, as istiod's webhook does (golang/protobuf jsonpb, unknown fields allowed)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from meshctl.sandbox.apiserver.validation.golang import as_json, parse_duration, quote
from meshctl.sandbox.apiserver.validation.istio.notation import (
    SCALARS,
    WRAPPERS,
    Api,
    Enum,
    Field,
    Message,
    istio_api,
)

_INTEGERS = {
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
}
_ZEROS: dict[str, Any] = {"string": "", "bool": False, "bytes": b"", "double": 0.0}
_GO_NAMES = {"double": "float64"}


class DecodeError(ValueError):
    """The JSON is no such message; the text is Go's."""


class Record:
    """A decoded message: an absent field is zero, an empty list or map, or None."""

    __slots__ = ("_api", "_message", "_values")

    def __init__(self, api: Api, message: Message, values: dict[str, Any]) -> None:
        self._api = api
        self._message = message
        self._values = values

    def __getattr__(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        return _zero(self._api, self._message.fields[name])

    def __getitem__(self, name: str) -> Any:
        return self.__getattr__(name)

    def holds(self, name: str) -> bool:
        """Whether the field is set."""
        return name in self._values

    @property
    def as_json(self) -> str:
        """The message's JSON, to compare it."""
        return as_json(_plain(self))


def _plain(value: Any) -> Any:
    match value:
        case Record():
            return {name: _plain(item) for name, item in value._values.items()}
        case dict():
            return {str(name): _plain(item) for name, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case bytes():
            return value.decode("latin-1")
    return value


def _zero(api: Api, field: Field) -> Any:
    if field.shape != "one":
        return [] if field.shape == "list" else {}
    if field.type in _INTEGERS:
        return 0
    if field.type in api.enums:
        return api.enums[field.type].values[0]
    return _ZEROS.get(field.type)


def decode_spec(kind: str, spec: Any) -> Record:
    """An object's spec as the message of its kind; DecodeError at the first field that can't be read."""
    api = istio_api()
    return _message(api, api.messages[kind], spec)


def unknown_fields(kind: str, value: dict[str, Any]) -> tuple[str, list[str]]:
    """The full name of a message, and the fields of a value that it doesn't have."""
    message = istio_api().messages[kind]
    known = {name for field in message.fields.values() for name in (field.name, field.snake_name)}
    return message.full_name, [name for name in value if name not in known]


def _message(api: Api, message: Message, value: Any) -> Record:
    if value is None:
        return Record(api, message, {})
    if not isinstance(value, dict):
        raise _unfit(value, "map[string]json.RawMessage")
    values: dict[str, Any] = {}
    for field in message.fields.values():
        raw = value.get(field.name, value.get(field.snake_name))
        if raw is None:
            continue
        read = _field(api, field, raw)
        if read != []:
            values[field.name] = read
    return Record(api, message, values)


def _field(api: Api, field: Field, raw: Any) -> Any:
    if field.shape == "list":
        if not isinstance(raw, list):
            raise _unfit(raw, "[]json.RawMessage")
        return [_value(api, field.type, item) for item in raw]
    if field.shape == "map":
        if not isinstance(raw, dict):
            raise _unfit(raw, "map[string]json.RawMessage")
        key = field.limits.get("key")
        return {_number(name, key) if key else name: _value(api, field.type, item) for name, item in raw.items()}
    return _value(api, field.type, raw)


def _value(api: Api, name: str, raw: Any) -> Any:
    if name in api.messages:
        return _message(api, api.messages[name], raw)
    if name in api.enums:
        return _enum(api.enums[name], raw)
    if name in SCALARS or name in WRAPPERS:
        return _scalar(WRAPPERS.get(name, name), raw)
    if name in ("Duration", "Period"):
        return _duration(raw)
    if name == "Struct" and not isinstance(raw, dict):
        raise DecodeError(f"bad StructValue: {_unfit(raw, 'map[string]json.RawMessage')}")
    return raw


def _enum(enum: Enum, raw: Any) -> str:
    if isinstance(raw, str):
        if raw not in enum.values:
            raise DecodeError(f"unknown value {quote(quote(raw))} for enum {enum.full_name}")
        return raw
    number = 0 if raw is None else _whole(raw, "int32", "protoreflect.EnumNumber")
    return enum.values[number] if 0 <= number < len(enum.values) else str(number)


def _duration(raw: Any) -> int:
    if raw is not None and not isinstance(raw, str):
        raise _unfit(raw, "string")
    try:
        return parse_duration(raw or "")
    except ValueError as error:
        raise DecodeError(f"bad Duration: {error}") from error


def _scalar(name: str, raw: Any) -> Any:
    readers: dict[str, Callable[[Any], Any]] = {
        "string": _text,
        "bool": _truth,
        "bytes": _bytes,
        "double": _double,
    }
    if name in readers:
        return readers[name](raw)
    return _number(raw, name)


def _text(raw: Any) -> str:
    if raw is not None and not isinstance(raw, str):
        raise _unfit(raw, "string")
    return raw or ""


def _truth(raw: Any) -> bool:
    if raw is not None and not isinstance(raw, bool):
        raise _unfit(raw, "bool")
    return bool(raw)


def _bytes(raw: Any) -> bytes:
    if raw is not None and not isinstance(raw, str):
        raise _unfit(raw, "[]uint8")
    try:
        return base64.b64decode(raw or "", validate=True)
    except ValueError as error:
        raise DecodeError("illegal base64 data at input byte 0") from error


def _double(raw: Any) -> float:
    number = _unquoted(raw)
    if number is None:
        return 0.0
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise _unfit(number, "float64")
    return float(number)


def _number(raw: Any, name: str) -> int:
    number = _unquoted(raw)
    return 0 if number is None else _whole(number, name, _GO_NAMES.get(name, name))


def _whole(value: Any, name: str, go_name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _unfit(value, go_name)
    low, high = _INTEGERS[name]
    if isinstance(value, float) or not low <= value <= high:
        raise DecodeError(f"json: cannot unmarshal number {as_json(value)} into Go value of type {go_name}")
    return value


def _unquoted(raw: Any) -> Any:
    """A number may stand in quotes; what is in them must be JSON."""
    if not isinstance(raw, str):
        return raw
    try:
        return json.loads(raw)
    except json.JSONDecodeError as error:
        raise DecodeError(_syntax_error(raw)) from error


def _syntax_error(text: str) -> str:
    if not text.strip():
        return "unexpected end of JSON input"
    word = next((each for each in ("true", "false", "null") if each[0] == text[0]), "")
    for at, letter in enumerate(word):
        if at >= len(text):
            return "unexpected end of JSON input"
        if text[at] != letter:
            return f"invalid character '{text[at]}' in literal {word} (expecting '{letter}')"
    digits = len(text) - len(text.lstrip("0123456789.-"))
    if digits and digits < len(text):
        return f"invalid character '{text[digits]}' after top-level value"
    return f"invalid character '{text[0]}' looking for beginning of value"


def _unfit(value: Any, go_name: str) -> DecodeError:
    names: tuple[tuple[Any, str], ...] = (
        (bool, "bool"),
        (int | float, "number"),
        (str, "string"),
        (list, "array"),
        (dict, "object"),
    )
    kind = next(name for python, name in names if isinstance(value, python))
    return DecodeError(f"json: cannot unmarshal {kind} into Go value of type {go_name}")
