"""Port forwarding over WebSocket (v4.channel.k8s.io): for each port a data and an error channel."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from meshctl.sandbox.kubelet.netns import Networks

if TYPE_CHECKING:
    from meshctl.sandbox.kubelet.pods import Pod

PROTOCOLS = ("v4.channel.k8s.io", "portforward.k8s.io")
SECONDS = 10.0
CHUNK = 1 << 16


async def serve(request: web.Request, pod: Pod) -> web.StreamResponse:
    """Connect to the ports of the query from inside the pod, and pass bytes."""
    stated = [*request.query.getall("ports", []), *request.query.getall("port", [])]
    ports = [int(one) for text in stated for one in text.split(",")]
    ws = web.WebSocketResponse(protocols=PROTOCOLS, max_msg_size=0, heartbeat=30)
    await ws.prepare(request)
    for number, port in enumerate(ports):
        for channel in (2 * number, 2 * number + 1):
            await ws.send_bytes(bytes([channel]) + struct.pack("<H", port))
    lines = [await _connect(ws, pod, number, port) for number, port in enumerate(ports)]
    tasks = [asyncio.create_task(_pass_on(ws, 2 * number, one)) for number, one in enumerate(lines) if one]
    try:
        await _listen(ws, lines)
    finally:
        for task in tasks:
            task.cancel()
        for one in lines:
            if one:
                one.close()
    return ws


async def connect(networks: Networks, pod: Pod, port: int) -> socket.socket:
    """A connection to a port of 127.0.0.1 in the pod's network; OSError."""
    process = next((one.pid for one in pod.containers if one.pid), 0)
    if not process:
        raise OSError("no container of the pod runs")
    return await networks.connect(process, "127.0.0.1", port, SECONDS)


async def _connect(ws: web.WebSocketResponse, pod: Pod, number: int, port: int) -> socket.socket | None:
    try:
        return await connect(pod.node.ground.networks, pod, port)
    except (OSError, TimeoutError) as error:
        text = f"error forwarding port {port} to pod {pod.spec['metadata']['name']}: {error or 'timed out'}"
        await ws.send_bytes(bytes([2 * number + 1]) + text.encode())
        return None


async def _pass_on(ws: web.WebSocketResponse, channel: int, line: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ConnectionError, OSError):
        while data := await loop.sock_recv(line, CHUNK):
            await ws.send_bytes(bytes([channel]) + data)
    await ws.close()


async def _listen(ws: web.WebSocketResponse, lines: list[socket.socket | None]) -> None:
    loop = asyncio.get_running_loop()
    async for message in ws:
        if message.type != WSMsgType.BINARY or not message.data:
            continue
        number, kind = divmod(message.data[0], 2)
        line = lines[number] if number < len(lines) else None
        if kind == 0 and line and message.data[1:]:
            with contextlib.suppress(ConnectionError):
                await loop.sock_sendall(line, message.data[1:])
