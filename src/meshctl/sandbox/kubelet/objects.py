"""What the agents know of the API: a few kinds of objects, listed and watched, kept over a dead server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from meshctl.sandbox.controllers.api import FAULTS, Api, ApiFault

LOG = logging.getLogger(__name__)
Object = dict[str, Any]
Key = tuple[str, str]
# Kind, the object before, the object after; None if there is none.
OnChange = Callable[[str, Object | None, Object | None], None]
KINDS = ("nodes", "services", "configmaps", "secrets", "pods")
RETRY_SECONDS = 0.2


class Objects:
    """Objects by kind, namespace and name."""

    def __init__(self, api: Api, on_change: OnChange) -> None:
        self.synced = asyncio.Event()
        self._api = api
        self._on_change = on_change
        self._known: dict[str, dict[Key, Object]] = {}

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """One object."""
        return self._known.get(kind, {}).get((namespace, name))

    def all(self, kind: str) -> Iterable[Object]:
        """Every object of a kind."""
        return self._known.get(kind, {}).values()

    async def follow(self) -> None:
        """Keep up for ever."""
        await asyncio.gather(*(self._follow(kind) for kind in KINDS))

    async def _follow(self, kind: str) -> None:
        version = ""
        while True:
            try:
                version = version or await self._list(kind)
                async for event, found in self._api.watch(f"/api/v1/{kind}", "allowWatchBookmarks=true", version):
                    version = found["metadata"]["resourceVersion"]
                    if event != "BOOKMARK":
                        self._set(kind, _key(found), None if event == "DELETED" else found)
            except ApiFault as fault:
                LOG.info("watch of %s: %s", kind, fault)
                version = "" if fault.code in (403, 404, 410) else version
            except FAULTS as fault:
                LOG.info("watch of %s: %s", kind, fault)
            await asyncio.sleep(RETRY_SECONDS)

    async def _list(self, kind: str) -> str:
        listed = await self._api.ask("GET", f"/api/v1/{kind}")
        found = {_key(one): one for one in listed.get("items") or ()}
        for key in (*(self._known.setdefault(kind, {}).keys() - found.keys()), *found):
            self._set(kind, key, found.get(key))
        if len(self._known) == len(KINDS):
            self.synced.set()
        return str(listed["metadata"]["resourceVersion"])

    def _set(self, kind: str, key: Key, found: Object | None) -> None:
        known = self._known[kind]
        before = known.get(key)
        if found is None:
            known.pop(key, None)
        else:
            known[key] = found
        if before != found:
            self._on_change(kind, before, found)


def _key(found: Mapping[str, Any]) -> Key:
    return found["metadata"].get("namespace", ""), found["metadata"]["name"]
