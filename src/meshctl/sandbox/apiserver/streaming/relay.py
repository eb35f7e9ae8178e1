"""WebSocket to WebSocket: messages pass as they are."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import ClientWebSocketResponse, WSMsgType, web

Socket = web.WebSocketResponse | ClientWebSocketResponse


async def relay(client: web.WebSocketResponse, agent: ClientWebSocketResponse) -> None:
    """Pass messages both ways until either side closes."""
    tasks = [asyncio.create_task(_pass_on(client, agent)), asyncio.create_task(_pass_on(agent, client))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for socket in (client, agent):
        with contextlib.suppress(ConnectionError):
            await socket.close()


async def _pass_on(source: Socket, target: Socket) -> None:
    with contextlib.suppress(ConnectionError):
        async for message in source:
            if message.type == WSMsgType.BINARY:
                await target.send_bytes(message.data)
            elif message.type == WSMsgType.TEXT:
                await target.send_str(message.data)
