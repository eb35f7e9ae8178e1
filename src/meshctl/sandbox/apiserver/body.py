"""Request bodies into objects: JSON, YAML and protobuf, with Kubernetes' words for what cannot be read."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

import yaml
from aiohttp import web

from meshctl.sandbox.apiserver import golang
from meshctl.sandbox.apiserver.failure import REQUEST_LIMIT, Failure, bad_request, too_large, unsupported_body
from meshctl.sandbox.apiserver.negotiation import JSON, OFFERED, PROTOBUF, YAML

Object = dict[str, Any]

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
NO_KIND = "couldn't get version/kind; json parse error: "
NOT_AN_OBJECT = (
    "json: cannot unmarshal {} into Go value of type struct "
    r'{{ APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }}'
)
PREFIX = b"k8s\0"


@dataclass(frozen=True, slots=True)
class Body:
    """A decoded object and the paths of keys that it had twice."""

    obj: Object
    duplicates: tuple[str, ...] = field(default=())


class Undecodable(ValueError):
    """The text is no document of its media type; the message is Go's."""


async def read(request: web.BaseRequest) -> bytes:
    """The whole body; Failure 413 beyond 3 MiB."""
    if (request.content_length or 0) > REQUEST_LIMIT:
        raise too_large()
    data = bytearray()
    async for part in request.content.iter_any():
        data += part
        if len(data) > REQUEST_LIMIT:
            raise too_large()
    return bytes(data)


def media_type(header: str | None) -> str:
    """The media type of a Content-Type header; JSON if there is none. Failure 415 if it cannot be read."""
    media = (header or JSON).partition(";")[0].strip()
    if media not in OFFERED:
        raise unsupported_body(OFFERED)
    return media


def decode(data: bytes, media: str, kind: str) -> Body:
    """The object in a body; Failure 400 naming the `kind` that was expected."""
    try:
        body = from_protobuf(data) if media == PROTOBUF else from_text(data, media)
    except Undecodable as error:
        raise unrecognized(kind, str(error), data) from None
    return body


def unrecognized(kind: str, message: str, data: bytes) -> Failure:
    """The refusal of a body without a recognisable object."""
    return bad_request(
        f"the object provided is unrecognized (must be of type {kind}): {message} ({golang.summary(data)})"
    )


def from_text(data: bytes, media: str) -> Body:
    """An object out of JSON or YAML; raises Undecodable."""
    value, duplicates = parse_yaml(data) if media == YAML else parse_json(data, NO_KIND)
    if not isinstance(value, dict):
        if value is None:
            return Body({})
        raise Undecodable(NO_KIND + NOT_AN_OBJECT.format(golang_type(value)))
    return Body(value, duplicates)


def golang_type(value: object) -> str:
    """What encoding/json calls a value."""
    if isinstance(value, bool):
        return "bool"
    names = {str: "string", int: "number", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "null")


class _Twice(dict[str, Any]):
    """A mapping whose text had keys more than once."""

    repeated: tuple[str, ...] = ()


def _pairs(pairs: list[tuple[str, Any]]) -> Object:
    plain = dict(pairs)
    if len(plain) == len(pairs):
        return plain
    marked, seen = _Twice(plain), set[str]()
    marked.repeated = tuple(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return marked


def parse_json(data: bytes, prefix: str = "") -> tuple[Any, tuple[str, ...]]:
    """A JSON value and its duplicate keys; raises Undecodable with Go's message behind `prefix`."""
    try:
        value = json.loads(
            data.decode(errors="replace"),
            object_pairs_hook=_pairs,
            parse_constant=_constant,
            parse_float=_number,
        )
    except (ValueError, RecursionError):
        raise Undecodable(prefix + (golang.syntax_error(data) or "exceeded max depth")) from None
    if _SURROGATE.search(data):
        value = _clean(value)
    return value, tuple(_repeated(value, ""))


def _constant(name: str) -> None:
    raise ValueError(name)


def _number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_clean(key): _clean(inner) for key, inner in value.items()}
    return [_clean(inner) for inner in value] if isinstance(value, list) else value


def _repeated(value: Any, path: str) -> list[str]:
    if isinstance(value, list):
        return [found for i, inner in enumerate(value) for found in _repeated(inner, f"{path}[{i}]")]
    if not isinstance(value, dict):
        return []
    prefix = f"{path}." if path else ""
    own = [prefix + key for key in getattr(value, "repeated", ())]
    return own + [found for key, inner in value.items() for found in _repeated(inner, prefix + str(key))]


class _Loader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it: a date is text, and `1:30` is no number."""


_NUMBERS = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in resolvers if pair[0] not in (*_NUMBERS, "tag:yaml.org,2002:timestamp")]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    _NUMBERS[0], re.compile(r"[-+]?(0|[1-9]\d*|0[0-7]+|0x[\da-fA-F]+|0b[01]+)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(_NUMBERS[1], re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$"), list("-+.0123456789"))


def parse_yaml(data: bytes) -> tuple[Any, tuple[str, ...]]:
    """A YAML document and its duplicate keys; raises Undecodable with go-yaml's message."""
    if data.lstrip()[:1] == b"{":
        try:
            return parse_json(data)
        except Undecodable:
            pass  # flow style YAML looks like JSON, too
    try:
        node = yaml.compose(data, Loader=_Loader)
        value = _texted(yaml.load(data, Loader=_Loader), _Budget())  # noqa: S506 - a safe loader
        return value, tuple(_twice(node, ""))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, Undecodable):
            raise
        raise Undecodable(f"yaml: {_where(error)}{_problem(error)}") from None


def _where(error: Exception) -> str:
    mark = getattr(error, "context_mark", None) or getattr(error, "problem_mark", None)
    if mark is None:
        return ""
    line = mark.line + isinstance(error, yaml.scanner.ScannerError)
    problem = getattr(error, "problem_mark", None)
    line = line or (problem.line + isinstance(error, yaml.scanner.ScannerError) if problem else 0)
    return f"line {line}: " if line else ""


def _problem(error: Exception) -> str:
    return str(getattr(error, "problem", None) or "exceeded max depth")


class _Budget:
    """How many values a document may unfold to: aliases can stand for one another, again and again."""

    def __init__(self) -> None:
        self._left = 1_000_000

    def spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Undecodable("yaml: document contains excessive aliasing")


def _texted(value: Any, budget: _Budget) -> Any:
    budget.spend()
    if isinstance(value, dict):
        return {_key(key): _texted(inner, budget) for key, inner in value.items()}
    return [_texted(inner, budget) for inner in value] if isinstance(value, list) else value


def _key(key: object) -> str:
    if isinstance(key, bool):
        return str(key).lower()
    return str(key)


def _twice(node: yaml.Node | None, path: str) -> list[str]:
    if isinstance(node, yaml.SequenceNode):
        return [found for i, inner in enumerate(node.value) for found in _twice(inner, f"{path}[{i}]")]
    if not isinstance(node, yaml.MappingNode):
        return []
    prefix, seen, found = f"{path}." if path else "", set[str](), list[str]()
    for key, inner in node.value:
        if key.value in seen:
            found.append(prefix + str(key.value))
        seen.add(key.value)
        found += _twice(inner, prefix + str(key.value))
    return found


def from_protobuf(data: bytes) -> Body:
    """An object out of a `runtime.Unknown` message; raises Undecodable."""
    if data[:4] != PREFIX:
        raise Undecodable("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    raise Undecodable("unexpected EOF")
