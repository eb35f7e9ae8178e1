"""`python -m meshctl.sandbox.load load [-c N] [-qps Q] [-n N | -t DURATION] [-H HEADER] URL`, or `server`."""

from __future__ import annotations

import argparse
import asyncio
import re
import signal
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

from meshctl.sandbox.load import report
from meshctl.sandbox.load.generator import Call, Load, run

# Whoever asks for more gets this: the machine is shared by a class.
MOST_CONNECTIONS, MOST_SECONDS = 64, 600.0
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")


def main(arguments: list[str]) -> int:
    """Exit status 1 for a wrong call."""
    if arguments[:1] == ["server"]:
        asyncio.run(_idle())
        return 0
    if arguments[:1] not in (["load"], ["curl"]):
        sys.stderr.write("fortio: expected `load [flags] URL`, `curl URL` or `server`\n")
        return 1
    parser = argparse.ArgumentParser(prog="fortio load", allow_abbrev=False)
    parser.add_argument("-c", type=int, default=4)
    parser.add_argument("-qps", type=float, default=8.0)
    parser.add_argument("-n", type=int, default=0)
    parser.add_argument("-t", type=seconds, default=5.0)
    parser.add_argument("-H", action="append", default=[])
    parser.add_argument("-timeout", type=seconds, default=3.0)
    parser.add_argument("-loglevel", default="Info")
    parser.add_argument("-quiet", action="store_true")
    parser.add_argument("url")
    given = parser.parse_args(arguments[1:])
    load = Load(
        _call(given.url, given.H, given.timeout),
        min(max(given.c, 1), MOST_CONNECTIONS),
        max(given.qps, 0.0),
        given.n if arguments[0] == "load" else 1,
        min(given.t, MOST_SECONDS),
    )
    done = asyncio.run(run(load))
    sys.stdout.write("".join(f"{line}\n" for line in report.lines(load, done)))
    return 0


def seconds(text: str) -> float:
    """A Go duration such as 1m30s; ValueError."""
    found = list(_DURATION.finditer(text))
    if not found or "".join(one[0] for one in found) != text:
        raise ValueError(f'"{text}" is no duration')
    return sum(float(one[1]) * UNITS[one[2]] for one in found)


def _call(url: str, headers: list[str], timeout: float) -> Call:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    tls = parts.scheme == "https"
    port = parts.port or (443 if tls else 80)
    return Call(parts.hostname or "", port, tls, path, tuple(_headers(headers, parts.netloc)), timeout)


def _headers(stated: list[str], host: str) -> Iterator[tuple[str, str]]:
    pairs = [(name.strip(), value.strip()) for name, _, value in (one.partition(":") for one in stated)]
    if not any(name.lower() == "host" for name, _ in pairs):
        yield "Host", host
    yield "User-Agent", "fortio.org/fortio-1.66"
    yield from pairs


async def _idle() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
