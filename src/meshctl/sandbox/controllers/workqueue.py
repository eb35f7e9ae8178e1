"""Keys that wait to be worked on, each by one worker at a time, again after a fault (client-go's workqueue)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from meshctl.sandbox.controllers.api import FAULTS, ApiFault

LOG = logging.getLogger(__name__)
Key = tuple[str, str]
Sync = Callable[[Key], Awaitable[None]]
# client-go's limiter begins at 5 ms; it ends at 1000 s, which nobody in a classroom waits for.
FIRST_SECONDS, LAST_SECONDS = 0.005, 10.0
WORKERS = 4
# An object that nobody has thought of must not stop the work on all others.
SURPRISES = (LookupError, TypeError, ValueError, AttributeError)


class WorkQueue:
    """`sync` is called with a key after each `add`; what is added while it runs is worked on once more."""

    def __init__(self, name: str, sync: Sync) -> None:
        self._name = name
        self._sync = sync
        self._waiting: dict[Key, None] = {}
        self._busy: set[Key] = set()
        self._faults: dict[Key, int] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._some = asyncio.Event()

    def add(self, key: Key) -> None:
        """Have a key worked on, once however often it is added."""
        self._waiting.setdefault(key)
        self._some.set()

    def add_later(self, key: Key, seconds: float) -> None:
        """Have a key worked on after a while, or sooner if that was asked for before."""
        loop = asyncio.get_running_loop()
        if timer := self._timers.get(key):
            if timer.when() <= loop.time() + seconds:
                return
            timer.cancel()
        self._timers[key] = loop.call_later(seconds, self._due, key)

    def _due(self, key: Key) -> None:
        del self._timers[key]
        self.add(key)

    async def keep(self) -> None:
        """Work for ever."""
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            key = next((one for one in self._waiting if one not in self._busy), None)
            if key is None:
                self._some.clear()
                await self._some.wait()
                continue
            del self._waiting[key]
            self._busy.add(key)
            try:
                await self._sync(key)
                self._faults.pop(key, None)
            except (*FAULTS, ApiFault) as fault:
                self._again(key, fault)
            except SURPRISES as fault:
                LOG.exception("%s %s/%s", self._name, *key)
                self._again(key, fault)
            finally:
                self._busy.discard(key)
                self._some.set()

    def _again(self, key: Key, fault: Exception) -> None:
        count = self._faults[key] = self._faults.get(key, 0) + 1
        # A conflict says that the watch is behind, which is no news.
        level = logging.DEBUG if isinstance(fault, ApiFault) and fault.code == 409 else logging.INFO
        LOG.log(level, "%s %s/%s again: %s", self._name, *key, fault)
        self.add_later(key, min(FIRST_SECONDS * 2 ** (count - 1), LAST_SECONDS))
