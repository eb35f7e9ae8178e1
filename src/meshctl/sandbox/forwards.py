"""Ports of 127.0.0.1 on the machine that lead into the fabric.

A socket stays in the network namespace that opened it: the command that asks for the forward opens the listener on
the machine and hands it over; the supervisor accepts there and connects from where it is, inside.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Sequence

from meshctl.sandbox.wire import Message

CHUNK = 1 << 16
FIRST_WORD_SECONDS = 0.2
Target = tuple[str, int]


class Forwards:
    """The listeners, by what they lead to."""

    def __init__(self) -> None:
        self._servers: dict[Target, asyncio.Server] = {}

    async def add(self, address: str, port: int, files: Sequence[int]) -> Message:
        """Serve a listener that leads to `address:port`; without one, say which there is (`port` 0: none)."""
        if not files:
            return {"port": _port(self._servers.get((address, port)))}
        listener = socket.socket(fileno=files[0])
        listener.setblocking(False)
        self.remove(address, port)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _join(reader, writer, address, port)

        server = self._servers[address, port] = await asyncio.start_server(serve, sock=listener)
        return {"port": _port(server)}

    def remove(self, address: str, port: int) -> Message:
        """Close the listener that leads to `address:port`; nothing to do if there is none."""
        server = self._servers.pop((address, port), None)
        if server:
            server.close()
        return {"changed": server is not None}

    def describe(self) -> list[Message]:
        """What leads where."""
        return [
            {"port": _port(server), "address": address, "to": port} for (address, port), server in self._servers.items()
        ]


def _port(server: asyncio.Server | None) -> int:
    return server.sockets[0].getsockname()[1] if server else 0


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str, port: int) -> None:
    try:
        inner_reader, inner_writer = await asyncio.open_connection(address, port)
    except OSError:
        # Reset before it has said a word, Python's TLS client takes its socket for one that never was, and leaks it.
        with contextlib.suppress(OSError):
            await asyncio.wait_for(reader.read(1), FIRST_WORD_SECONDS)
        _reset(writer)
        return
    await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))
    for one in (writer, inner_writer):
        one.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Hang up as a closed port does, not as a server that has nothing to say."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end, and pass the end on: each direction closes by itself, and a reset is the end of both."""
    try:
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.transport.abort()
