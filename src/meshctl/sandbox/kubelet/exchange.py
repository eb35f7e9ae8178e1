"""One HTTP/1.1 request over a connection that is already open (RFC 9112)."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping

LIMIT = 1 << 20


async def exchange(
    connection: socket.socket,
    method: str,
    path: str,
    headers: Mapping[str, str],
    context: ssl.SSLContext | None = None,
    body: bool = True,
) -> tuple[int, bytes]:
    """Status and body; without `body` what follows the headers is not waited for. ConnectionError if there is none."""
    name = headers.get("Host", "") if context else None
    reader, writer = await asyncio.open_connection(sock=connection, ssl=context, server_hostname=name, limit=LIMIT)
    try:
        lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
        writer.write(f"{method} {path} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n".encode())
        status = _status(await reader.readline())
        found = await _headers(reader)
        return status, await _body(reader, found) if body else b""
    finally:
        writer.close()


def _status(line: bytes) -> int:
    words = line.split(b" ", 2)
    if len(words) < 2 or not words[1].isdigit():
        raise ConnectionError("EOF" if not line else f"malformed HTTP response {line[:40]!r}")
    return int(words[1])


async def _headers(reader: asyncio.StreamReader) -> dict[str, str]:
    found = {}
    while line := (await reader.readline()).strip():
        key, _, value = line.decode("latin-1").partition(":")
        found[key.lower()] = value.strip()
    return found


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.read(-1)
    parts = []
    while size := int((await reader.readline()).split(b";")[0] or b"0", 16):
        parts.append(await reader.readexactly(size))
        await reader.readline()
    return b"".join(parts)
