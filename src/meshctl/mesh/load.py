"""A bounded load over HTTP/1.1: every request's fate is data, none of them an exception."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from meshctl.errors import UsageError
from meshctl.mesh.traffic import Answer, Call

LIMIT = 1 << 20
HTTP_PORT = 80
Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Report = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Server:
    """Where requests are sent."""

    host: str
    port: int


def server(url: str) -> Server:
    """The server of a URL; UsageError if it is not an http one."""
    parts = urlsplit(url)
    try:
        port = HTTP_PORT if parts.port is None else parts.port
    except ValueError:
        port = 0
    if parts.scheme != "http" or not parts.hostname or not port:
        raise UsageError(f"{url!r}: expected http://HOST[:PORT]")
    return Server(parts.hostname, port)


def send(call: Call, url: str, agent: str, report: Report) -> list[Answer]:
    """Send the load; the answers in order of number. The user agent of request N is `AGENT/N`.

    `report` is told from time to time how many are done.
    """
    return asyncio.run(_send(call, server(url), agent, report))


async def _send(call: Call, to: Server, agent: str, report: Report) -> list[Answer]:
    numbers = iter(range(call.requests))
    begun = time.monotonic()
    done: list[Answer] = []
    work = [_work(call, to, agent, begun, numbers, done) for _ in range(min(call.concurrency, call.requests))]
    watching = asyncio.create_task(_watch(done, report))
    try:
        await asyncio.gather(*work)
    finally:
        watching.cancel()
    return sorted(done, key=lambda answer: answer.number)


async def _watch(done: list[Answer], report: Report) -> None:
    while True:
        await asyncio.sleep(0.2)
        report(len(done))


async def _work(call: Call, to: Server, agent: str, begun: float, numbers: Iterator[int], done: list[Answer]) -> None:
    line: Line | None = None
    for number in numbers:
        if call.rate:
            await asyncio.sleep(max(0.0, begun + number / call.rate - time.monotonic()))
        started = time.monotonic()
        answer, line = await _one(call, to, _request(call, to, f"{agent}/{number}"), line)
        done.append(
            Answer(
                number, started - begun, time.monotonic() - started, answer.code, answer.error, headers=answer.headers
            )
        )
    _close(line)


@dataclass(frozen=True, slots=True)
class _Fate:
    code: int
    error: str
    headers: dict[str, str]


def _request(call: Call, to: Server, agent: str) -> bytes:
    host = call.host or (to.host if to.port == HTTP_PORT else f"{to.host}:{to.port}")
    headers = {
        "host": host,
        "user-agent": agent,
        "accept": "*/*",
        **{name.lower(): text for name, text in call.headers},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"GET {call.path} HTTP/1.1\r\n{lines}\r\n".encode()


async def _one(call: Call, to: Server, request: bytes, line: Line | None) -> tuple[_Fate, Line | None]:
    """What became of a request, and the connection if it can be used again."""
    used = line
    try:
        async with asyncio.timeout(call.timeout):
            used = line or await asyncio.open_connection(to.host, to.port, limit=LIMIT)
            code, headers = await _exchange(used, request)
    except TimeoutError:
        fate = _Fate(0, "timeout", {})
    except ConnectionRefusedError:
        fate = _Fate(0, "refused", {})
    except asyncio.IncompleteReadError:
        fate = _Fate(0, "closed", {})
    except ConnectionError:
        fate = _Fate(0, "reset", {})
    except OSError as error:
        fate = _Fate(0, (error.strerror or "unreachable").lower(), {})
    except (ValueError, IndexError, asyncio.LimitOverrunError):
        fate = _Fate(0, "malformed", {})
    else:
        stays = headers.get("connection", "").lower() != "close"
        if not stays:
            _close(used)
        return _Fate(code, "", headers), used if stays else None
    _close(used)
    return fate, None


def _close(line: Line | None) -> None:
    if line:
        with contextlib.suppress(OSError):
            line[1].close()


async def _exchange(line: Line, request: bytes) -> tuple[int, dict[str, str]]:
    reader, writer = line
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in head[1:] if one)}
    code = int(head[0].split(" ")[1])
    await _skip(reader, code, headers)
    return code, headers


async def _skip(reader: asyncio.StreamReader, code: int, headers: dict[str, str]) -> None:
    if headers.get("transfer-encoding") == "chunked":
        while size := int((await reader.readline()).split(b";")[0], 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    elif "content-length" in headers:
        await reader.readexactly(int(headers["content-length"]))
    elif code not in (204, 304):
        await reader.read(-1)
        headers["connection"] = "close"
