"""A forward carries a connection whole, ends included."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator

from meshctl.sandbox.forwards import Forwards

PATIENCE = 10


@contextlib.asynccontextmanager
async def connection() -> AsyncIterator[tuple[socket.socket, socket.socket]]:
    """The two ends of a connection through a forward, blocking; afterwards no task of it may run."""
    forwards, before = Forwards(), asyncio.all_tasks()
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as listener:
        port, way = server.getsockname()[1], listener.getsockname()
        await forwards.add("127.0.0.1", port, [listener.detach()])
        with await asyncio.to_thread(socket.create_connection, way, PATIENCE) as client:
            served, _ = await asyncio.to_thread(server.accept)
            served.settimeout(PATIENCE)
            with served:
                yield client, served
        async with asyncio.timeout(PATIENCE):
            while asyncio.all_tasks() - before:
                await asyncio.sleep(0.01)
        forwards.remove("127.0.0.1", port)


def test_a_client_that_resets_is_the_end_for_the_server_too() -> None:
    async def reset() -> bytes:
        async with connection() as (client, served):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            return await asyncio.to_thread(served.recv, 1)

    assert asyncio.run(reset()) == b""


def test_each_direction_ends_by_itself() -> None:
    async def talk() -> bytes:
        async with connection() as (client, served):
            client.shutdown(socket.SHUT_WR)
            assert await asyncio.to_thread(served.recv, 1) == b""
            served.sendall(b"all of it")
            return await asyncio.to_thread(client.recv, 100)

    assert asyncio.run(talk()) == b"all of it"
