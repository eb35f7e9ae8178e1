"""What containers wrote: read as kubectl asks, followed, kept within bounds."""

from __future__ import annotations

import asyncio
import os
import shutil
from bisect import bisect_right
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LIMIT = 10 << 20
CHUNK = 1 << 16
POLL_SECONDS = 0.1


@dataclass(slots=True)
class Marks:
    """How long a log was at what time: what it has no times for itself. `sizes` grow with `times`."""

    times: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def note(self, now: float, size: int) -> None:
        """Remember a size; one that shrank has been cut."""
        if self.sizes and size < self.sizes[-1]:
            self.times.clear()
            self.sizes.clear()
        if not self.sizes or size > self.sizes[-1]:
            self.times.append(now)
            self.sizes.append(size)
        if len(self.sizes) > 4096:
            del self.times[::2], self.sizes[::2]

    def offset(self, since: float) -> int:
        """Where what was written since then begins."""
        index = bisect_right(self.times, since)
        return self.sizes[index - 1] if index else 0

    def time(self, offset: int) -> float:
        """When the byte at an offset was written, at the latest."""
        index = bisect_right(self.sizes, offset)
        return self.times[min(index, len(self.times) - 1)] if self.times else 0.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for; None means without bounds."""

    follow: bool = False
    tail: int | None = None
    limit: int | None = None
    since: float | None = None
    timestamps: bool = False


def wish(query: Mapping[str, str], now: float) -> Wish:
    """From the query of kubectl's; ValueError names what is wrong."""
    since = None
    if query.get("sinceSeconds"):
        since = now - int(query["sinceSeconds"])
    elif query.get("sinceTime"):
        since = datetime.fromisoformat(query["sinceTime"]).timestamp()
    numbers = [int(query[name]) if query.get(name) else None for name in ("tailLines", "limitBytes")]
    truths = [query.get(name) in ("true", "1") for name in ("follow", "timestamps")]
    return Wish(truths[0], numbers[0], numbers[1], since, truths[1])


async def read(path: Path, wanted: Wish, marks: Marks, ended: asyncio.Future[Any] | None) -> AsyncIterator[bytes]:
    """The log in pieces of whole lines; followed until `ended` is done."""
    left = wanted.limit
    with path.open("rb") as stream:
        stream.seek(_start(path, wanted, marks))
        while True:
            over = ended is None or ended.done()
            while lines := stream.readlines(CHUNK):
                piece = b"".join(_stamped(lines, stream.tell(), marks) if wanted.timestamps else lines)
                piece = piece if left is None else piece[:left]
                left = left if left is None else left - len(piece)
                yield piece
                if left == 0:
                    return
            if not wanted.follow or over:
                return
            await asyncio.sleep(POLL_SECONDS)
            if path.stat().st_size < stream.tell():
                stream.seek(0)


def cut(path: Path, limit: int = LIMIT) -> None:
    """Keep a log within bounds: what is older moves to another file, which the next cut replaces."""
    if path.stat().st_size > limit:
        shutil.copyfile(path, path.with_suffix(".old"))
        os.truncate(path, 0)


def _start(path: Path, wanted: Wish, marks: Marks) -> int:
    begin = marks.offset(wanted.since) if wanted.since is not None else 0
    if wanted.tail is None:
        return begin
    return max(begin, _tail(path, wanted.tail))


def _tail(path: Path, lines: int) -> int:
    """Where the last lines begin."""
    with path.open("rb") as stream:
        position = stream.seek(0, os.SEEK_END)
        if lines <= 0:
            return position
        found, end = 0, position
        while position > 0:
            size = min(CHUNK, position)
            position -= size
            stream.seek(position)
            block = stream.read(size)
            for index in range(size - 1, -1, -1):
                if block[index] == 10 and position + index != end - 1:
                    found += 1
                    if found == lines:
                        return position + index + 1
    return 0


def _stamped(lines: list[bytes], end: int, marks: Marks) -> list[bytes]:
    offset = end - sum(map(len, lines))
    done = []
    for line in lines:
        when = datetime.fromtimestamp(marks.time(offset), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        done.append(f"{when} ".encode() + line)
        offset += len(line)
    return done
