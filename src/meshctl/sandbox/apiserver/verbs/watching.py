"""watch: the state or the changes since a version, then every change as it happens."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from aiohttp import web

from meshctl.sandbox.apiserver import options, reply
from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.failure import expired
from meshctl.sandbox.apiserver.options import ListOptions
from meshctl.sandbox.apiserver.storage.revision import ADDED, DELETED, MODIFIED, Change, Compacted
from meshctl.sandbox.apiserver.verbs.events import Encoder
from meshctl.sandbox.apiserver.verbs.selecting import Selectors, selectors

SHORTEST_TIMEOUT = 1800
BOOKMARK_SECONDS = 60.0
BATCH = 64 * 1024

Object = dict[str, Any]


async def watch(call: Call) -> web.StreamResponse:
    """GET with watch=true; ends at its timeout, at an expired version, or with the client."""
    media = call.media(stream=True, many=True)
    asked = options.list_options(call.query, watch=True)
    watcher = _Watcher(call, asked, selectors(call, asked), Encoder(call, media))
    response = reply.stream(watcher.encoder.content_type, call.warnings)
    await response.prepare(call.request)
    async for lines in watcher.lines():
        await response.write(lines)
    await response.write_eof()
    return response


class _Watcher:
    def __init__(self, call: Call, asked: ListOptions, chosen: Selectors, encoder: Encoder) -> None:
        self._call = call
        self._asked = asked
        self._chosen = chosen
        self.encoder = encoder
        self._changes = call.api.store.changes
        seconds = asked.timeout if asked.timeout is not None else random.randint(SHORTEST_TIMEOUT, 2 * SHORTEST_TIMEOUT)  # noqa: S311
        self._deadline = time.monotonic() + seconds

    async def lines(self) -> AsyncIterator[bytes]:
        """What to send, as it comes."""
        version = self._changes.version
        if self._from_state():
            for batch in _batched(self._state()):
                yield batch
        elif self._asked.version:
            version = self._asked.version
        try:
            async for batch in self._follow(version):
                yield batch
        except Compacted as error:
            message = f"too old resource version: {error.requested} ({error.oldest})"
            yield self.encoder.error(expired(message))

    def _from_state(self) -> bool:
        if self._asked.initial_events is not None:
            return self._asked.initial_events
        return not self._asked.version

    def _state(self) -> Iterator[bytes]:
        resource, store = self._call.resource, self._call.api.store
        page = store.page(resource.storage, self._call.namespace, self._chosen.selection)
        for stored in page.items:
            yield self.encoder.event(ADDED, stored.data)
        if self._asked.initial_events and self._asked.bookmarks:
            yield self.encoder.bookmark(page.version, {"k8s.io/initial-events-end": "true"})

    async def _follow(self, version: int) -> AsyncIterator[bytes]:
        storage = self._call.resource.storage
        bookmark = time.monotonic() + BOOKMARK_SECONDS
        while (now := time.monotonic()) < self._deadline:
            if changes := self._changes.since(storage, version):
                version = changes[-1].version
                for batch in _batched(line for change in changes if (line := self._line(change))):
                    yield batch
            elif now >= bookmark:
                bookmark = now + BOOKMARK_SECONDS
                if self._asked.bookmarks and version <= self._changes.version:
                    yield self.encoder.bookmark(self._changes.version)
            else:
                await self._changes.wait(storage, min(self._deadline, bookmark) - now)

    def _line(self, change: Change) -> bytes | None:
        if self._call.namespace and not change.key.startswith(f"{self._call.namespace}/"):
            return None
        if not self._chosen.terms:
            return self.encoder.change(change, change.kind)
        before, after = change.previous(), change.after()
        was = before is not None and self._chosen.matches(before)
        matches = change.kind != DELETED and self._chosen.matches(after)
        if matches:
            return self.encoder.change(change, MODIFIED if was else ADDED)
        if not was or before is None:
            return None
        if change.kind == DELETED:
            return self.encoder.change(change, DELETED)
        return self.encoder.left(before, change.version)


def _batched(lines: Iterator[bytes]) -> Iterator[bytes]:
    batch = bytearray()
    for line in lines:
        batch += line
        if len(batch) >= BATCH:
            yield bytes(batch)
            batch.clear()
    if batch:
        yield bytes(batch)
