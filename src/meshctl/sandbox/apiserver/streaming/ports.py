"""Port forwarding over SPDY: each connection is a pair of streams, and a WebSocket of its own to the agent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from aiohttp import ClientError, ClientWebSocketResponse, WSMsgType

from meshctl.sandbox.apiserver.failure import Failure
from meshctl.sandbox.apiserver.streaming.line import Line
from meshctl.sandbox.apiserver.streaming.spdy import Data, Decoder, Encoder, Event, Malformed, Opened, Pinged, Reset

Dial = Callable[[str], AbstractAsyncContextManager[ClientWebSocketResponse]]
"""Opens the agent's WebSocket for a port."""
GRACE = 1.0
"""Seconds that a pod may go on answering after its client has sent all, as containerd gives it."""


@dataclass(slots=True)
class _Pair:
    """One forwarded connection: the error stream (0 until open), the data stream, what the client sends (None: end)."""

    port: str
    error: int = 0
    data: int = 0
    incoming: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(maxsize=64))


async def serve(line: Line, dial: Dial) -> None:
    """Forward connections until the client is gone."""
    session = _Session(line, dial)
    decoder = Decoder()
    try:
        with contextlib.suppress(ConnectionError, Malformed):
            while data := await line.read():
                for event in decoder.feed(data):
                    await session.handle(event)
    finally:
        await session.end()


class _Session:
    def __init__(self, line: Line, dial: Dial) -> None:
        self._line, self._dial = line, dial
        self._encoder = Encoder()
        self._pairs: dict[str, _Pair] = {}
        self._by_stream: dict[int, _Pair] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def handle(self, event: Event) -> None:
        match event:
            case Opened(stream, headers):
                await self._line.write(self._encoder.accept(stream))
                self._open(stream, headers.get("streamtype", ""), headers.get("port", ""), headers.get("requestid", ""))
            case Data(stream, data, ended):
                if pair := self._by_stream.get(stream):
                    if data:
                        await pair.incoming.put(data)
                    if ended:
                        await pair.incoming.put(None)
            case Reset(stream):
                if pair := self._by_stream.get(stream):
                    await pair.incoming.put(None)
            case Pinged(number):
                await self._line.write(self._encoder.pong(number))

    def _open(self, stream: int, kind: str, port: str, request: str) -> None:
        # Clients before request IDs number the pair by its error stream, which the data stream follows.
        name = request or str(stream if kind == "error" else stream - 2)
        pair = self._pairs.setdefault(name, _Pair(port))
        if kind == "error":
            pair.error = stream
        elif kind == "data":
            pair.data = stream
            self._by_stream[stream] = pair
        if pair.error and pair.data:
            del self._pairs[name]
            task = asyncio.create_task(self._forward(pair))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forward(self, pair: _Pair) -> None:
        with contextlib.suppress(ConnectionError):
            try:
                async with self._dial(pair.port) as agent:
                    await self._converse(pair, agent)
            except (ClientError, Failure, OSError) as error:
                await self._line.write(self._encoder.data(pair.error, str(error).encode()))
            for stream in (pair.error, pair.data):
                await self._line.write(self._encoder.data(stream, b"", ended=True))
        self._by_stream.pop(pair.data, None)

    async def _converse(self, pair: _Pair, agent: ClientWebSocketResponse) -> None:
        sending = asyncio.create_task(_send(pair, agent))
        receiving = asyncio.create_task(self._receive(pair, agent))
        try:
            await asyncio.wait((sending, receiving), return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait((receiving,), timeout=GRACE)
        finally:
            for task in (sending, receiving):
                task.cancel()
            await asyncio.gather(sending, receiving, return_exceptions=True)

    async def _receive(self, pair: _Pair, agent: ClientWebSocketResponse) -> None:
        announced: set[int] = set()
        async for message in agent:
            if message.type != WSMsgType.BINARY or not message.data:
                continue
            channel, data = message.data[0], message.data[1:]
            if channel not in announced:
                announced.add(channel)  # the first message of a channel is its port's number
            elif data:
                await self._line.write(self._encoder.data(pair.error if channel else pair.data, data))


async def _send(pair: _Pair, agent: ClientWebSocketResponse) -> None:
    while (data := await pair.incoming.get()) is not None:
        await agent.send_bytes(b"\0" + data)
