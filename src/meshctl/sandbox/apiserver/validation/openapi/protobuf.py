"""The OpenAPI v2 document as protobuf (gnostic's openapi.v2.Document), which kubectl up to 1.25 asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from meshctl.sandbox.apiserver.validation.golang import as_json

Fields = Mapping[str, tuple[int, Callable[[Any], bytes]]]
_METHODS = {"get": 2, "put": 3, "post": 4, "delete": 5, "options": 6, "head": 7, "patch": 8}


def encoded(document: Mapping[str, Any]) -> bytes:
    """The bytes of a v2 document."""
    parts = [
        _text(1, document["swagger"]),
        _bytes(2, _fields(document["info"], _INFO)),
        _bytes(8, b"".join(_bytes(2, _named(name, _path(item))) for name, item in document["paths"].items())),
        _bytes(9, _named_schemas(document["definitions"])),
    ]
    for requirement in document["security"]:
        items = b"".join(_bytes(1, _named(name, b"")) for name in requirement)
        parts.append(_bytes(12, items))
    parts.append(_bytes(13, b"".join(_security(*item) for item in document["securityDefinitions"].items())))
    return b"".join(parts)


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    made.append(number)
    return bytes(made)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _flag(field: int, value: bool) -> bytes:
    return _varint(field << 3) + (b"\1" if value else b"\0")


def _named(name: str, value: bytes) -> bytes:
    return _text(1, name) + _bytes(2, value)


def _any(value: Any) -> bytes:
    """Any value, as JSON in place of YAML."""
    return _text(2, as_json(value))


def _fields(value: Mapping[str, Any], fields: Mapping[str, int]) -> bytes:
    parts = []
    for name, number in fields.items():
        item = value.get(name)
        if isinstance(item, bool):
            parts.append(_flag(number, item))
        elif isinstance(item, str):
            parts.append(_text(number, item))
        elif isinstance(item, list):
            parts += [_text(number, each) for each in item]
    return b"".join(parts)


def _extensions(value: Mapping[str, Any], field: int) -> Iterator[bytes]:
    for name, item in value.items():
        if name.startswith("x-"):
            yield _bytes(field, _named(name, _any(item)))


_INFO = {"title": 1, "version": 2}
_SCHEMA = {"$ref": 1, "format": 2, "title": 3, "description": 4, "pattern": 13, "required": 19}
_PARAMETER = {"required": 1, "in": 2, "description": 3, "name": 4}
_OPERATION = {"tags": 1, "description": 3, "operationId": 5, "produces": 6, "consumes": 7, "schemes": 10}


def _schema(node: Mapping[str, Any]) -> bytes:
    parts = [_fields(node, _SCHEMA)]
    if "default" in node:
        parts.append(_bytes(5, _any(node["default"])))
    parts += [_bytes(20, _any(each)) for each in node.get("enum", ())]
    values = node.get("additionalProperties")
    if isinstance(values, Mapping):
        parts.append(_bytes(21, _bytes(1, _schema(values))))
    if "type" in node:
        parts.append(_bytes(22, _text(1, node["type"])))
    if isinstance(node.get("items"), Mapping):
        parts.append(_bytes(23, _bytes(1, _schema(node["items"]))))
    if node.get("properties"):
        parts.append(_bytes(25, _named_schemas(node["properties"])))
    return b"".join([*parts, *_extensions(node, 31)])


def _named_schemas(nodes: Mapping[str, Any]) -> bytes:
    return b"".join(_bytes(1, _named(name, _schema(node))) for name, node in nodes.items())


def _path(item: Mapping[str, Any]) -> bytes:
    parts = [_bytes(number, _operation(item[name])) for name, number in _METHODS.items() if name in item]
    return b"".join([*parts, *(_bytes(9, _bytes(1, _parameter(each))) for each in item["parameters"])])


def _parameter(parameter: Mapping[str, Any]) -> bytes:
    if parameter["in"] == "body":
        body = _text(2, parameter["name"]) + _text(3, "body") + _flag(4, True)
        return _bytes(1, body + _bytes(5, _schema(parameter["schema"])))
    place, numbers = (3, (6, 20)) if parameter["in"] == "query" else (4, (5, 19))
    value = _fields(parameter, _PARAMETER) + _text(numbers[0], parameter["type"]) + _flag(numbers[1], True)
    return _bytes(2, _bytes(place, value))


def _operation(operation: Mapping[str, Any]) -> bytes:
    parts = [_fields(operation, _OPERATION)]
    parts += [_bytes(8, _bytes(1, _parameter(each))) for each in operation["parameters"]]
    responses = b"".join(_bytes(1, _named(code, _response(each))) for code, each in operation["responses"].items())
    return b"".join([*parts, _bytes(9, responses), *_extensions(operation, 13)])


def _response(response: Mapping[str, Any]) -> bytes:
    value = _text(1, response["description"])
    if "schema" in response:
        value += _bytes(2, _bytes(1, _schema(response["schema"])))
    return _bytes(1, value)


def _security(name: str, item: Mapping[str, Any]) -> bytes:
    key = _fields(item, {"type": 1, "name": 2, "in": 3, "description": 4})
    return _bytes(1, _named(name, _bytes(2, key)))
