"""exec over WebSocket: channels of a command's input, output and fate (v4 and v5.channel.k8s.io)."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import signal
import struct
import termios
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from meshctl.sandbox.kubelet import envoyadmin, execution

if TYPE_CHECKING:
    from meshctl.sandbox.kubelet.containers import Container
    from meshctl.sandbox.kubelet.pods import Pod

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
CHUNK = 1 << 16


async def serve(request: web.Request, pod: Pod, container: Container) -> web.StreamResponse:
    """Run what the query says and pass its streams."""
    query = request.query
    words = tuple(query.getall("command", []))
    socket = web.WebSocketResponse(protocols=PROTOCOLS, max_msg_size=0, heartbeat=30)
    await socket.prepare(request)
    names = ("input", "output", "error")
    wanted = [query.get(name) in ("1", "true") for name in names]
    session = Session(socket, wanted[0] or query.get("stdin") in ("1", "true"), query.get("tty") in ("1", "true"))
    try:
        fate = await session.run(pod, container, words)
    except OSError as error:
        fate = _failure(f"error executing command in container: {error}")
    with contextlib.suppress(ConnectionError):
        await session.send(ERROR, json.dumps(fate).encode())
        await socket.close()
    return socket


class Session:
    """One command and its client."""

    def __init__(self, socket: web.WebSocketResponse, stdin: bool, tty: bool) -> None:
        self._socket = socket
        self._stdin, self._tty = stdin, tty
        self._input = -1

    async def send(self, channel: int, data: bytes) -> None:
        """A message on a channel."""
        await self._socket.send_bytes(bytes([channel]) + data)

    async def run(self, pod: Pod, container: Container, words: tuple[str, ...]) -> Mapping[str, Any]:
        """The command's fate, as a Status."""
        if asked := envoyadmin.parse(words):
            status, output = await envoyadmin.ask(pod, asked)
            await self.send(STDOUT if status == 0 else STDERR, output)
            return _fate(status)
        theirs, ours = self._open()
        try:
            name = await execution.start(pod, container, words, theirs, self._tty)
        except OSError:
            for one in {self._input, *ours.values()}:
                _close(one)
            raise
        finally:
            for one in set(theirs):
                _close(one)
        return await self._converse(pod, name, ours)

    async def _converse(self, pod: Pod, name: str, ours: dict[int, int]) -> Mapping[str, Any]:
        reading = [asyncio.create_task(self._pass_on(channel, one)) for channel, one in ours.items()]
        listening = asyncio.create_task(self._listen())
        ending = asyncio.create_task(pod.runtime.finished(name))
        try:
            await asyncio.wait((listening, ending), return_when=asyncio.FIRST_COMPLETED)
            if not ending.done():
                await pod.runtime.signal(name, signal.SIGKILL)
            found = await ending
            await asyncio.wait(reading, timeout=1)
            return _fate(int(found.get("status") or 0), str(found.get("reason", "")))
        finally:
            for task in (*reading, listening, ending):
                task.cancel()
            _close(self._input)
            for one in set(ours.values()) - {self._input}:
                _close(one)
            await pod.runtime.stop(name)

    def _open(self) -> tuple[tuple[int, int, int], dict[int, int]]:
        """The command's three files, and ours by channel."""
        if self._tty:
            ours, theirs = pty.openpty()
            self._input = ours
            return (theirs, theirs, theirs), {STDOUT: ours}
        if self._stdin:
            source, self._input = os.pipe2(os.O_CLOEXEC)
        else:
            source = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        out, err = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
        return (source, out[1], err[1]), {STDOUT: out[0], STDERR: err[0]}

    async def _pass_on(self, channel: int, descriptor: int) -> None:
        while data := await _read(descriptor):
            await self.send(channel, data)

    async def _listen(self) -> None:
        """What the client sends; returns when it has gone."""
        async for message in self._socket:
            if message.type != WSMsgType.BINARY or not message.data:
                continue
            channel, data = message.data[0], message.data[1:]
            if channel == STDIN and self._input >= 0:
                await _write(self._input, data)
            elif channel == RESIZE and self._tty:
                size = json.loads(data)
                packed = struct.pack("HHHH", size.get("Height", 24), size.get("Width", 80), 0, 0)
                fcntl.ioctl(self._input, termios.TIOCSWINSZ, packed)
            elif channel == CLOSE and data[:1] == bytes([STDIN]) and not self._tty:
                _close(self._input)
                self._input = -1


async def _read(descriptor: int) -> bytes:
    """The next bytes; none at the end, which a terminal tells by an error."""
    loop = asyncio.get_running_loop()
    os.set_blocking(descriptor, False)
    while True:
        try:
            return os.read(descriptor, CHUNK)
        except BlockingIOError:
            ready = loop.create_future()
            loop.add_reader(descriptor, _settle, ready)
            try:
                await ready
            finally:
                loop.remove_reader(descriptor)
        except OSError:
            return b""


async def _write(descriptor: int, data: bytes) -> None:
    loop = asyncio.get_running_loop()
    os.set_blocking(descriptor, False)
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            ready = loop.create_future()
            loop.add_writer(descriptor, _settle, ready)
            try:
                await ready
            finally:
                loop.remove_writer(descriptor)
        except OSError:
            return


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _close(descriptor: int) -> None:
    if descriptor >= 0:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def _fate(status: int, reason: str = "") -> Mapping[str, Any]:
    if status == 0:
        return {"metadata": {}, "status": "Success"}
    if status == 127 and reason and not reason.startswith("status"):
        return _failure(f"command terminated with exit code 127: {reason}", 127)
    code = status if status > 0 else 128 - status
    return _failure(f"command terminated with non-zero exit code: exit status {code}", code)


def _failure(message: str, code: int | None = None) -> Mapping[str, Any]:
    found: dict[str, Any] = {"metadata": {}, "status": "Failure", "message": message}
    if code is None:
        return {**found, "reason": "InternalError", "code": 500}
    causes = [{"reason": "ExitCode", "message": str(code)}]
    return {**found, "reason": "NonZeroExitCode", "details": {"causes": causes}}
