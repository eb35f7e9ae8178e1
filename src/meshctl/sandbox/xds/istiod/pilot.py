"""Who is connected and what each has to get: pushes follow changes, a little later so that several go together."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping

from google.protobuf import json_format

from meshctl.sandbox.xds.istiod import translation
from meshctl.sandbox.xds.istiod.change import Change
from meshctl.sandbox.xds.istiod.client import Client
from meshctl.sandbox.xds.istiod.informer import Informer
from meshctl.sandbox.xds.istiod.messages import Catalogue, Messages, Resource
from meshctl.sandbox.xds.istiod.translation import Translation
from meshctl.sandbox.xds.istiod.world import MALFORMED, World

LOG = logging.getLogger(__name__)
QUIET_SECONDS, LONGEST_SECONDS = 0.01, 0.1
REFUSED = (json_format.ParseError, *MALFORMED)


class Pilot:
    """The pushes to all connected proxies. `informers` are the clusters of the moment."""

    def __init__(self, messages: Messages, world: World, informers: Mapping[str, Informer]) -> None:
        self.world = world
        self.clients: list[Client] = []
        self.pushes = 0
        self._informers = informers
        self._catalogue = Catalogue(messages)
        self._dirty = asyncio.Event()
        self._whole = translation.translation(world.mesh)

    def touch(self) -> None:
        """Something changed."""
        self._dirty.set()

    async def run(self) -> None:
        """Push after changes, for ever."""
        while True:
            await self._settled()
            await self._push()

    def join(self, client: Client) -> None:
        """Take in a proxy and work out what it gets."""
        self.clients.append(client)
        self._update(client, self._whole)

    def leave(self, client: Client) -> None:
        """Forget a proxy."""
        self.clients.remove(client)

    def refresh(self) -> None:
        """Make the first mesh."""
        self._remake()

    async def _settled(self) -> None:
        """Wait for a change, then until none comes for a moment, at most LONGEST_SECONDS."""
        await self._dirty.wait()
        end = time.monotonic() + LONGEST_SECONDS
        while self._dirty.is_set() and time.monotonic() < end:
            self._dirty.clear()
            await asyncio.sleep(QUIET_SECONDS)
        self._dirty.clear()

    async def _push(self) -> None:
        begun, before = time.perf_counter(), self.world.mesh
        change = self._remake()
        if not change:
            return
        work = translation.translation(self.world.mesh, change, before)
        for client in tuple(self.clients):
            self._update(client, work)
            # Streams go on meanwhile.
            await asyncio.sleep(0)
        self._catalogue.keep(self._used())
        self.pushes += 1
        LOG.info("push %d to %d proxies: %.0f ms", self.pushes, len(self.clients), 1e3 * (time.perf_counter() - begun))

    def _remake(self) -> Change:
        change = self.world.refresh(self._informers)
        # What proxies have in common is kept for those that join before the next change.
        self._whole = translation.translation(self.world.mesh)
        return change

    def _update(self, client: Client, work: Translation) -> None:
        try:
            updated = self._updated(client.resources, work, client)
        except REFUSED as fault:
            LOG.error("proxy %s keeps what it has: its configuration can't be made: %r", client.name, fault)
            return
        if updated != client.resources:
            client.resources = updated
            client.wake.set()

    def _updated(
        self, resources: Mapping[str, dict[str, Resource]], work: Translation, client: Client
    ) -> dict[str, dict[str, Resource]]:
        updated = dict(resources)
        for part in work.of(client.proxy):
            for url, found in part.found.items():
                before = updated.get(url, {})
                new = self._catalogue.take(url, found, before)
                updated[url] = new if part.hosts is None else translation.merged(before, new, part.hosts)
        return updated

    def _used(self) -> Iterator[Resource]:
        return (one for client in self.clients for named in client.resources.values() for one in named.values())
