"""WebSocket to WebSocket: messages pass as they are."""

from __future__ import annotations

import contextlib

from aiohttp import ClientWebSocketResponse, WSMsgType, web

from meshctl.sandbox.apiserver.background import until_first

Socket = web.WebSocketResponse | ClientWebSocketResponse


async def relay(client: web.WebSocketResponse, agent: ClientWebSocketResponse) -> None:
    """Pass messages both ways until either side closes."""
    await until_first(_pass_on(client, agent), _pass_on(agent, client))
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
