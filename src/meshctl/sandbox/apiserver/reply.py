"""Answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from meshctl.sandbox.apiserver import document, negotiation
from meshctl.sandbox.apiserver.failure import Failure, quote
from meshctl.sandbox.apiserver.negotiation import JSON, Media

Object = dict[str, Any]

BUFFERED = 2048
"""Go's HTTP server sends longer answers in chunks."""
NO_CACHE = "no-cache, private"


def raw(
    body: bytes,
    content_type: str,
    status: int = 200,
    warnings: Iterable[str] = (),
    headers: Mapping[str, str] | None = None,
    chunked: bool = True,
) -> web.Response:
    """An answer with a body of that type, in chunks if it is long and they are wanted."""
    fields: CIMultiDict[str] = CIMultiDict({"Content-Type": content_type, "Cache-Control": NO_CACHE})
    fields.update(headers or {})
    for warning in dict.fromkeys(warnings):
        fields.add("Warning", f"299 - {quote(warning)}")
    response = web.Response(body=body, status=status, headers=fields)
    if chunked and len(body) > BUFFERED:
        response.enable_chunked_encoding()
    return response


def stream(content_type: str, warnings: Iterable[str] = ()) -> web.StreamResponse:
    """An answer that is written piece by piece."""
    response = web.StreamResponse(headers={"Content-Type": content_type, "Cache-Control": NO_CACHE})
    for warning in dict.fromkeys(warnings):
        response.headers.add("Warning", f"299 - {quote(warning)}")
    response.enable_chunked_encoding()
    return response


def value(obj: Object, media: Media, status: int = 200, warnings: Iterable[str] = ()) -> web.Response:
    """An object in the representation agreed on."""
    body, content_type = document.encode(obj, media)
    return raw(body, content_type, status, warnings)


def failure(error: Failure, accept: str | None, warnings: Iterable[str] = ()) -> web.Response:
    """A refusal, as a Status object."""
    body, content_type = document.encode(error.status, negotiation.of_failure(accept))
    return raw(body, content_type, error.code, warnings, error.headers)


def text(body: str, status: int = 200, nosniff: bool = True, headers: Mapping[str, str] | None = None) -> web.Response:
    """Plain text."""
    guard = {"X-Content-Type-Options": "nosniff"} if nosniff else {}
    return raw(body.encode(), "text/plain; charset=utf-8", status, (), guard | dict(headers or {}))


def json_value(obj: Object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """An object as JSON, whatever was asked for."""
    body, content_type = document.encode(obj, Media(JSON))
    return raw(body, content_type, status, (), headers)


def success(code: int = 200, details: Object | None = None) -> Object:
    """A Status that says that it worked; the code is stated only where something was created."""
    status: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    if details:
        status["details"] = {key: value for key, value in details.items() if value}
    return status | ({"code": code} if code != 200 else {})
