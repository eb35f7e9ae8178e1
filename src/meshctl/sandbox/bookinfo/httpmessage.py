"""Requests and responses of HTTP/1.1, and reading one from a connection.

The standard library's own (`http.client`, `http.server`, asyncio) would double the memory of each server, and
dataclasses would add a quarter: hence the named tuples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import BinaryIO, NamedTuple

MAX_HEAD = 65536
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
MAX_BODY = 1 << 20
PHRASES = {
    200: "OK",
    204: "No Content",
    302: "Found",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
}


class BadMessage(ValueError):
    """Bytes that are no HTTP message, or one beyond the limits."""


class Closed(Exception):
    """The other side closed the connection between two messages."""


class Request(NamedTuple):
    """`target` is the path with its query; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    version: str = "HTTP/1.1"

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def keeps_alive(self) -> bool:
        connection = self.headers.get("connection", "").lower()
        return connection != "close" and (self.version == "HTTP/1.1" or connection == "keep-alive")


class Response(NamedTuple):
    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = NO_HEADERS

    def encoded(self, keep_alive: bool, with_body: bool = True) -> bytes:
        """The bytes for the connection."""
        lines = [
            f"HTTP/1.1 {self.status} {PHRASES.get(self.status, 'Unknown')}",
            f"content-type: {self.content_type}",
            f"content-length: {len(self.body)}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        if not keep_alive:
            lines.append("connection: close")
        head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
        return head + self.body if with_body else head


def read_request(stream: BinaryIO) -> Request:
    """The next request; Closed if there is none, BadMessage if it is malformed."""
    start, headers = read_head(stream)
    parts = start.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadMessage("not an HTTP/1.x request line")
    body = b"".join(_body(stream, headers, until_closed=False))
    return Request(parts[0], parts[1], headers, body, parts[2])


def read_response(stream: BinaryIO, with_body: bool = True) -> Response:
    """The response on a connection; BadMessage or Closed if there is none."""
    start, headers = read_head(stream)
    parts = start.split(" ", 2)
    if len(parts) < 2 or not parts[0].startswith("HTTP/1.") or not parts[1].isdecimal():
        raise BadMessage("not an HTTP/1.x status line")
    status = int(parts[1])
    if status == 100:
        return read_response(stream, with_body)
    body = b"".join(_body(stream, headers, until_closed=True)) if with_body and status != 204 else b""
    return Response(status, body, headers.get("content-type", ""), headers)


def read_head(stream: BinaryIO) -> tuple[str, dict[str, str]]:
    """The start line and the headers; a repeated header's values are joined by commas."""
    start = _line(stream)
    if not start:
        raise Closed
    headers: dict[str, str] = {}
    size = len(start)
    while line := _line(stream):
        size += len(line)
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadMessage("not a header")
        if size > MAX_HEAD:
            raise BadMessage("the headers are too long")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return start, headers


def _line(stream: BinaryIO) -> str:
    line = stream.readline(MAX_HEAD)
    if line and not line.endswith(b"\n"):
        raise BadMessage("the message ends within its head")
    return line.rstrip(b"\r\n").decode("latin-1")


def _body(stream: BinaryIO, headers: Mapping[str, str], until_closed: bool) -> Iterator[bytes]:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        yield from _chunks(stream)
    elif "content-length" in headers:
        yield _exactly(stream, _length(headers["content-length"], 10))
    elif until_closed:
        yield stream.read(MAX_BODY)


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    total = 0
    while size := _length(_line(stream).partition(";")[0].strip(), 16):
        total += size
        _length(str(total), 10)
        yield _exactly(stream, size)
        _line(stream)
    while _line(stream):
        pass


def _length(text: str, radix: int) -> int:
    try:
        length = int(text, radix)
    except ValueError as error:
        raise BadMessage("a length that is no number") from error
    if not 0 <= length <= MAX_BODY:
        raise BadMessage("the body is too long")
    return length


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise BadMessage("the message ends within its body")
    return data
