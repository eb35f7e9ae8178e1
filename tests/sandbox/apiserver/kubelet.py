"""A node's agent on loopback that runs commands of this machine and connects to its ports."""

from __future__ import annotations

import asyncio
import json
import ssl
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from tests.sandbox.apiserver.process import Server, free_port

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255


@dataclass
class Kubelet:
    """`sizes` are those of terminals, `peers` who asked."""

    port: int
    sizes: list[dict[str, int]] = field(default_factory=list)
    peers: set[str] = field(default_factory=set)

    async def log(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text=f"{request.match_info['container']} {request.query_string}\n")

    async def exec(self, request: web.Request) -> web.StreamResponse:
        self.peers.add(str(request.get_extra_info("peercert")["subject"]))
        if request.match_info["container"] == "absent":
            raise web.HTTPNotFound(text="container not found")
        socket = web.WebSocketResponse(protocols=("v5.channel.k8s.io", "v4.channel.k8s.io"), max_msg_size=0)
        await socket.prepare(request)
        pipe = asyncio.subprocess.PIPE
        words = request.query.getall("command", ["cat"])
        process = await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe, stderr=pipe)
        assert process.stdin and process.stdout and process.stderr
        if "input" not in request.query:
            process.stdin.close()
        listening = asyncio.create_task(self._listen(socket, process.stdin))
        outputs = ((STDOUT, process.stdout), (STDERR, process.stderr))
        await asyncio.gather(*(_pass_on(socket, channel, source) for channel, source in outputs))
        code = await process.wait()
        listening.cancel()
        fate: dict[str, object] = {"metadata": {}, "status": "Success" if code == 0 else "Failure"}
        if code:
            causes = [{"reason": "ExitCode", "message": str(code)}]
            fate |= {"reason": "NonZeroExitCode", "details": {"causes": causes}}
            fate["message"] = f"command terminated with non-zero exit code: exit status {code}"
        await socket.send_bytes(bytes([ERROR]) + json.dumps(fate).encode())
        await socket.close()
        return socket

    async def _listen(self, socket: web.WebSocketResponse, target: asyncio.StreamWriter) -> None:
        async for message in socket:
            channel, data = message.data[0], message.data[1:]
            if channel == STDIN:
                target.write(data)
                await target.drain()
            elif channel == RESIZE:
                self.sizes.append(json.loads(data))
            elif channel == CLOSE:
                target.close()

    async def forward(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("v4.channel.k8s.io",), max_msg_size=0)
        await socket.prepare(request)
        port = int(request.query["ports"])
        for channel in (0, 1):
            await socket.send_bytes(bytes([channel]) + struct.pack("<H", port))
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError as error:
            await socket.send_bytes(b"\1" + f"cannot connect: {error}".encode())
            await socket.close()
            return socket
        sending = asyncio.create_task(_ends(socket, reader))
        async for message in socket:
            if message.type == WSMsgType.BINARY:
                writer.write(message.data[1:])
                await writer.drain()
        sending.cancel()
        writer.close()
        return socket


async def _pass_on(socket: web.WebSocketResponse, channel: int, source: asyncio.StreamReader) -> None:
    while data := await source.read(1 << 15):
        await socket.send_bytes(bytes([channel]) + data)


async def _ends(socket: web.WebSocketResponse, source: asyncio.StreamReader) -> None:
    await _pass_on(socket, 0, source)
    await socket.close()


@contextmanager
def kubelet(server: Server) -> Iterator[Kubelet]:
    """Serve with a certificate of the server's authority, for its certificate alone."""
    made = Kubelet(free_port())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(server.authority.file))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(*server.authority.issue("node"))
    ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        app = web.Application()
        app.router.add_get("/containerLogs/{ns}/{pod}/{container}", made.log)
        app.router.add_get("/exec/{ns}/{pod}/{container}", made.exec)
        app.router.add_get("/attach/{ns}/{pod}/{container}", made.exec)
        app.router.add_get("/portForward/{ns}/{pod}", made.forward)
        runner, stop = web.AppRunner(app, shutdown_timeout=1), asyncio.Event()
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", made.port, ssl_context=context).start()
        ready.set_result((asyncio.get_running_loop(), stop))
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    loop, stop = ready.result(10)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def node(made: Kubelet) -> dict[str, object]:
    """The status of the agent's node."""
    return {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": made.port}},
    }
