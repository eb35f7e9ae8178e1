"""Requests at a steady rate over a few connections that are kept."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections import Counter
from dataclasses import dataclass, field

LIMIT = 1 << 20
FAILED = -1
Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Call:
    """One GET request, and the seconds that it may take."""

    host: str
    port: int
    tls: bool
    path: str
    headers: tuple[tuple[str, str], ...]
    timeout: float


@dataclass(frozen=True, slots=True)
class Load:
    """`rate` in requests per second, 0 as fast as it goes; `requests` 0 until `seconds` are over."""

    call: Call
    connections: int
    rate: float
    requests: int
    seconds: float


@dataclass(slots=True)
class Done:
    """Answers by status (-1: none), seconds of each, connections made, seconds in all."""

    codes: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    sockets: int = 0
    seconds: float = 0.0


async def run(load: Load) -> Done:
    """Send the load."""
    done, begun = Done(), time.monotonic()
    shares = [load.requests // load.connections] * load.connections
    for number in range(load.requests % load.connections):
        shares[number] += 1
    await asyncio.gather(*(_work(load, done, begun, share) for share in shares if share or not load.requests))
    done.seconds = time.monotonic() - begun
    return done


async def _work(load: Load, done: Done, begun: float, share: int) -> None:
    line: Line | None = None
    pause = load.connections / load.rate if load.rate else 0.0
    sent = 0
    while sent < share if load.requests else time.monotonic() - begun < load.seconds:
        started = time.monotonic()
        try:
            line, status = await asyncio.wait_for(_ask(load.call, line, done), load.call.timeout)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            line, status = None, FAILED
        done.codes[status] += 1
        done.latencies.append(time.monotonic() - started)
        sent += 1
        await asyncio.sleep(max(0.0, begun + sent * pause - time.monotonic()) if pause else 0)
    if line:
        line[1].close()


async def _ask(call: Call, line: Line | None, done: Done) -> tuple[Line | None, int]:
    """The connection if it can be used again, and the status."""
    if line is None:
        context = ssl._create_unverified_context() if call.tls else None  # noqa: S323 # as `fortio -k`
        line = await asyncio.open_connection(call.host, call.port, ssl=context, limit=LIMIT)
        done.sockets += 1
    reader, writer = line
    stays = False
    try:
        lines = "".join(f"{name}: {value}\r\n" for name, value in call.headers)
        writer.write(f"GET {call.path} HTTP/1.1\r\n{lines}\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in head[1:])}
        await _skip(reader, headers)
        stays = headers.get("connection", "").lower() != "close"
        return (line if stays else None), int(head[0].split(" ")[1])
    finally:
        if not stays:
            with contextlib.suppress(OSError):
                writer.close()


async def _skip(reader: asyncio.StreamReader, headers: dict[str, str]) -> None:
    if headers.get("transfer-encoding") == "chunked":
        while size := int((await reader.readline()).split(b";")[0], 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    elif length := int(headers.get("content-length", "0")):
        await reader.readexactly(length)
