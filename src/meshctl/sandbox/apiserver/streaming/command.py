"""A command's streams over SPDY (remotecommand v4), translated to the channels of the agent's WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from types import MappingProxyType

from aiohttp import ClientWebSocketResponse, WSMsgType

from meshctl.sandbox.apiserver.background import until_first
from meshctl.sandbox.apiserver.streaming.line import Line
from meshctl.sandbox.apiserver.streaming.spdy import Data, Decoder, Encoder, Event, Malformed, Opened, Pinged, Reset

CHANNELS: Mapping[str, int] = MappingProxyType({"stdin": 0, "stdout": 1, "stderr": 2, "error": 3, "resize": 4})
STDIN, CLOSE = 0, 255


async def serve(line: Line, agent: ClientWebSocketResponse) -> None:
    """Pass the streams both ways until the command has ended or the client is gone."""
    session = _Session(line, agent)
    await until_first(session.from_client(), session.from_agent())


class _Session:
    def __init__(self, line: Line, agent: ClientWebSocketResponse) -> None:
        self._line, self._agent = line, agent
        self._encoder = Encoder()
        self._channels: dict[int, int] = {}
        self._streams: dict[int, asyncio.Future[int]] = {}

    def _stream(self, channel: int) -> asyncio.Future[int]:
        """The client's stream for a channel, once it is open."""
        return self._streams.setdefault(channel, asyncio.get_running_loop().create_future())

    async def from_client(self) -> None:
        """What the client sends; returns at its end."""
        decoder = Decoder()
        with contextlib.suppress(ConnectionError, Malformed):
            while data := await self._line.read():
                for event in decoder.feed(data):
                    await self._handle(event)

    async def _handle(self, event: Event) -> None:
        match event:
            case Opened(stream, headers):
                channel = CHANNELS.get(headers.get("streamtype", ""))
                await self._line.write(self._encoder.accept(stream))
                if channel is not None and not self._stream(channel).done():
                    self._channels[stream] = channel
                    self._stream(channel).set_result(stream)
            case Data(stream, data, ended):
                await self._to_agent(self._channels.get(stream, CLOSE), data, ended)
            case Pinged(number):
                await self._line.write(self._encoder.pong(number))
            case Reset():
                pass

    async def _to_agent(self, channel: int, data: bytes, ended: bool) -> None:
        if data and channel in (STDIN, CHANNELS["resize"]):
            await self._agent.send_bytes(bytes([channel]) + data)
        if ended and channel == STDIN:
            await self._agent.send_bytes(bytes([CLOSE, STDIN]))

    async def from_agent(self) -> None:
        """What the agent sends; returns when all of it has been passed on."""
        with contextlib.suppress(ConnectionError):
            async for message in self._agent:
                if message.type == WSMsgType.BINARY and len(message.data) > 1:
                    stream = await self._stream(message.data[0])
                    await self._line.write(self._encoder.data(stream, message.data[1:]))
            for stream in [one.result() for one in self._streams.values() if one.done()]:
                await self._line.write(self._encoder.data(stream, b"", ended=True))
