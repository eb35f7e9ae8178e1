"""Request bodies into objects: JSON, YAML and protobuf, with Kubernetes' words for what cannot be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml
from aiohttp import web

from meshctl.sandbox.apiserver import golang
from meshctl.sandbox.apiserver.failure import REQUEST_LIMIT, Failure, bad_request, quote, too_large, unsupported_body
from meshctl.sandbox.apiserver.negotiation import JSON, OFFERED, PROTOBUF, YAML
from meshctl.sandbox.apiserver.patch import gojson, protobuf

Object = dict[str, Any]

NO_KIND = "couldn't get version/kind; json parse error: "
NOT_AN_OBJECT = (
    "json: cannot unmarshal {} into Go value of type struct "
    r'{{ APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }}'
)
NUMBERS = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
UNFOLDED = 1_000_000


@dataclass(frozen=True, slots=True)
class Body:
    """A decoded object, and complaints about its text (`duplicate field "data.a"`)."""

    obj: Object
    complaints: tuple[str, ...] = ()


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
        return _from_protobuf(data) if media == PROTOBUF else _from_text(data, media)
    except Undecodable as error:
        raise unrecognized(kind, str(error), data) from None


def unrecognized(kind: str, message: str, data: bytes) -> Failure:
    """The refusal of a body without a recognisable object."""
    text = f"the object provided is unrecognized (must be of type {kind}): {message}"
    return bad_request(f"{text} ({golang.summary(data)})")


def _from_protobuf(data: bytes) -> Body:
    try:
        return Body(protobuf.decode(data))
    except protobuf.Malformed as error:
        raise Undecodable(str(error)) from None


def _from_text(data: bytes, media: str) -> Body:
    value, complaints = _parse_yaml(data) if media == YAML else _parse_json(data)
    if value is None:
        return Body({})
    if not isinstance(value, dict):
        raise Undecodable(NO_KIND + NOT_AN_OBJECT.format(golang.json_kind(value)))
    return Body(value, complaints)


def _parse_json(data: bytes) -> tuple[Any, tuple[str, ...]]:
    try:
        value, complaints = gojson.loads_strictly(data)
    except gojson.BadJson as error:
        raise Undecodable(NO_KIND + str(error)) from None
    return value, tuple(complaints)


class _Loader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it: a date is text, and `1:30` is no number."""


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in resolvers if pair[0] not in (*NUMBERS, "tag:yaml.org,2002:timestamp")]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    NUMBERS[0], re.compile(r"[-+]?(0|[1-9]\d*|0[0-7]+|0x[\da-fA-F]+|0b[01]+)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(NUMBERS[1], re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$"), list("-+.0123456789"))


class _Budget:
    """How many values a document may unfold to: aliases can stand for one another, again and again."""

    def __init__(self) -> None:
        self._left = UNFOLDED

    def spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Undecodable("yaml: document contains excessive aliasing")


def check_unfolding(data: bytes) -> None:
    """Failure 400 if the document's aliases stand for more than any object holds."""
    if b"&" not in data or b"*" not in data:
        return
    try:
        _parse_yaml(data)
    except Undecodable as error:
        raise bad_request(f"error decoding YAML: {error}") from None


def _parse_yaml(data: bytes) -> tuple[Any, tuple[str, ...]]:
    if data.lstrip()[:1] == b"{":
        try:
            return _parse_json(data)
        except Undecodable:
            pass  # YAML in flow style looks like JSON, too
    try:
        node = yaml.compose(data, Loader=_Loader)
        value = _texted(yaml.load(data, Loader=_Loader), _Budget())  # noqa: S506 - a safe loader
        return value, tuple(_repeated(node, ""))
    except (yaml.YAMLError, RecursionError) as error:
        raise Undecodable(f"yaml: {_where(error)}{_problem(error)}") from None


def _where(error: Exception) -> str:
    behind = isinstance(error, yaml.scanner.ScannerError)
    marks = (getattr(error, name, None) for name in ("context_mark", "problem_mark"))
    line = next((mark.line + behind for mark in marks if mark and mark.line + behind), 0)
    return f"line {line}: " if line else ""


def _problem(error: Exception) -> str:
    return str(getattr(error, "problem", None) or "exceeded max depth")


def _texted(value: Any, budget: _Budget) -> Any:
    budget.spend()
    if isinstance(value, dict):
        return {_key(key): _texted(inner, budget) for key, inner in value.items()}
    return [_texted(inner, budget) for inner in value] if isinstance(value, list) else value


def _key(key: object) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _repeated(node: yaml.Node | None, path: str) -> list[str]:
    if isinstance(node, yaml.SequenceNode):
        return [found for i, inner in enumerate(node.value) for found in _repeated(inner, f"{path}[{i}]")]
    if not isinstance(node, yaml.MappingNode):
        return []
    prefix, seen, found = f"{path}." if path else "", set[str](), list[str]()
    for key, inner in node.value:
        if key.value in seen:
            found.append(f"duplicate field {quote(prefix + str(key.value))}")
        seen.add(key.value)
        found += _repeated(inner, prefix + str(key.value))
    return found
