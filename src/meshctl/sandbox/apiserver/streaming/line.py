"""A byte pipe to a client: its own connection once upgraded to SPDY, or a WebSocket that tunnels SPDY."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import WSMsgType, web
from aiohttp.abc import AbstractStreamWriter

CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Line:
    """`read` gives no bytes at the end."""

    read: Callable[[], Awaitable[bytes]]
    write: Callable[[bytes], Awaitable[None]]


class Taken(web.StreamResponse):
    """The answer of a request whose connection has already served its purpose: it is closed."""

    def __init__(self) -> None:
        super().__init__(status=101)
        self.force_close()

    async def prepare(self, _request: web.BaseRequest) -> AbstractStreamWriter | None:
        return None

    async def write_eof(self, _data: bytes = b"") -> None:
        return


async def upgraded(request: web.BaseRequest, protocol: str) -> Line:
    """Take the connection over from HTTP; ConnectionError if it is gone."""
    transport = request.transport
    if transport is None:
        raise ConnectionResetError
    loop, former = asyncio.get_running_loop(), transport.get_protocol()
    reader = asyncio.StreamReader(limit=CHUNK, loop=loop)
    switched = _Switched(reader, former, loop)
    switched.connection_made(transport)
    transport.set_protocol(switched)
    writer = asyncio.StreamWriter(transport, switched, reader, loop)

    async def write(data: bytes) -> None:
        writer.write(data)
        await writer.drain()

    lines = ("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: SPDY/3.1")
    await write("\r\n".join((*lines, f"X-Stream-Protocol-Version: {protocol}", "", "")).encode())
    return Line(lambda: reader.read(CHUNK), write)


class _Switched(asyncio.StreamReaderProtocol):
    """Reads for us, and tells the HTTP protocol before it when the connection is lost."""

    def __init__(
        self, reader: asyncio.StreamReader, former: asyncio.BaseProtocol, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(reader, loop=loop)
        self._former = former
        self._kept = reader  # the base class holds the reader weakly

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if isinstance(self._former, asyncio.Protocol):
            self._former.connection_lost(exc)


def tunnelled(socket: web.WebSocketResponse) -> Line:
    """SPDY in the binary messages of a WebSocket (KEP-4006)."""

    async def read() -> bytes:
        message = await socket.receive()
        while message.type == WSMsgType.BINARY and not message.data:
            message = await socket.receive()
        return message.data if message.type == WSMsgType.BINARY else b""

    return Line(read, socket.send_bytes)
