"""Who waits for changes, and the recent ones at hand so that many watchers cost one write."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import takewhile

from meshctl.sandbox.apiserver.storage.revision import Change, Compacted

RECENT = 512
REPLAYED = 256

Replay = Callable[[str, int, int], Sequence[Change]]


class Changes:
    """The log of changes: recent ones in memory, older ones by `replay` (resource, since, limit).

    A watcher is only a version it has seen; whoever is slow costs no memory.
    """

    def __init__(self, replay: Replay, bounds: Callable[[], tuple[int, int]]) -> None:
        self._replay = replay
        self._bounds = bounds
        self._recent: deque[Change] = deque(maxlen=RECENT)
        self._arrivals: dict[str, asyncio.Event] = {}
        self._observers: dict[str, list[Callable[[Change], None]]] = {}
        self._omniscient: list[Callable[[Change], None]] = []

    def observe(self, resource: str, told: Callable[[Change], None]) -> None:
        """Call a function at each change of a resource, before anybody else hears of it."""
        self._observers.setdefault(resource, []).append(told)

    def observe_all(self, told: Callable[[Change], None]) -> None:
        """Call a function at each change, before anybody else hears of it."""
        self._omniscient.append(told)

    def publish(self, change: Change) -> None:
        """Remember a change that is stored and wake those who wait for its resource."""
        self._recent.append(change)
        for told in (*self._omniscient, *self._observers.get(change.resource, ())):
            told(change)
        if arrival := self._arrivals.pop(change.resource, None):
            arrival.set()

    def since(self, resource: str, version: int) -> Sequence[Change]:
        """Changes of a resource after `version` in order, the first ones if there are many; Compacted if forgotten."""
        compacted, _ = self._bounds()
        if version < compacted:
            raise Compacted(version, compacted)
        if self._recent and self._recent[0].version <= version + 1:
            behind = takewhile(lambda change: change.version > version, reversed(self._recent))
            return [change for change in behind if change.resource == resource][::-1]
        return self._replay(resource, version, REPLAYED)

    async def wait(self, resource: str, seconds: float) -> None:
        """Return at the resource's next change, or after that many seconds."""
        arrival = self._arrivals.setdefault(resource, asyncio.Event())
        with suppress(TimeoutError):
            await asyncio.wait_for(arrival.wait(), seconds)

    @property
    def version(self) -> int:
        """The version of the last write."""
        return self._bounds()[1]
