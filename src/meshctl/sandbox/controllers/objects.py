"""What controllers and agents know of the API: a few kinds of objects, listed and watched once for all of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from meshctl.sandbox.controllers.api import FAULTS, Api, ApiFault

LOG = logging.getLogger(__name__)
Object = dict[str, Any]
Key = tuple[str, str]
# Kind, the object before, the object after; None if there is none.
OnChange = Callable[[str, Object | None, Object | None], None]
GROUPS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("nodes", "services", "endpoints", "configmaps", "secrets", "pods"), "/api/v1"),
        **dict.fromkeys(("deployments", "replicasets"), "/apis/apps/v1"),
        "endpointslices": "/apis/discovery.k8s.io/v1",
    }
)
RETRY_SECONDS = 0.2


class Objects:
    """Objects by kind (its plural), namespace and name; kept over a dead server, and told of to whoever subscribed."""

    def __init__(self, api: Api) -> None:
        self.synced = asyncio.Event()
        self._api = api
        self._subscribers: list[OnChange] = []
        self._known: dict[str, dict[Key, Object]] = {}
        self._seen: dict[str, int] = {}

    def subscribe(self, on_change: OnChange) -> None:
        """Tell of every change from now on."""
        self._subscribers.append(on_change)

    def unsubscribe(self, on_change: OnChange) -> None:
        """Tell no more."""
        self._subscribers.remove(on_change)

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """One object."""
        return self._known.get(kind, {}).get((namespace, name))

    def all(self, kind: str) -> Iterable[Object]:
        """Every object of a kind; a copy of the list, so that it may change meanwhile."""
        return list(self._known.get(kind, {}).values())

    def put(self, kind: str, found: Object) -> None:
        """Take over the answer to a write of our own before the watch tells it, unless it knows more already."""
        version = int(found["metadata"]["resourceVersion"])
        known = self.get(kind, *_key(found))
        if version > self._seen.get(kind, 0) and (known is None or version > int(known["metadata"]["resourceVersion"])):
            self._set(kind, _key(found), found)

    def drop(self, kind: str, gone: Object) -> None:
        """Forget an object that a request of our own has removed for good."""
        known = self.get(kind, *_key(gone))
        if known and known["metadata"]["uid"] == gone["metadata"]["uid"]:
            self._set(kind, _key(gone), None)

    async def follow(self) -> None:
        """Keep up for ever."""
        await asyncio.gather(*(self._follow(kind) for kind in GROUPS))

    async def _follow(self, kind: str) -> None:
        version, path = "", f"{GROUPS[kind]}/{kind}"
        while True:
            try:
                version = version or await self._list(kind, path)
                async for event, found in self._api.watch(path, "allowWatchBookmarks=true", version):
                    version = found["metadata"]["resourceVersion"]
                    self._seen[kind] = int(version)
                    if event != "BOOKMARK":
                        self._take(kind, found, event == "DELETED")
            except ApiFault as fault:
                LOG.info("watch of %s: %s", kind, fault)
                version = "" if fault.code in (403, 404, 410) else version
            except FAULTS as fault:
                LOG.info("watch of %s: %s", kind, fault)
            await asyncio.sleep(RETRY_SECONDS)

    async def _list(self, kind: str, path: str) -> str:
        listed = await self._api.ask("GET", path)
        found = {_key(one): one for one in listed.get("items") or ()}
        for key in (*(self._known.setdefault(kind, {}).keys() - found.keys()), *found):
            self._set(kind, key, found.get(key))
        self._seen[kind] = int(listed["metadata"]["resourceVersion"])
        if len(self._seen) == len(GROUPS):
            self.synced.set()
        return str(listed["metadata"]["resourceVersion"])

    def _take(self, kind: str, found: Object, gone: bool) -> None:
        """One event of the watch; what `put` knew before is not undone by an older event."""
        known = self.get(kind, *_key(found))
        if known and int(known["metadata"]["resourceVersion"]) > int(found["metadata"]["resourceVersion"]):
            return
        self._set(kind, _key(found), None if gone else found)

    def _set(self, kind: str, key: Key, found: Object | None) -> None:
        known = self._known.setdefault(kind, {})
        before = known.get(key)
        if found is None:
            known.pop(key, None)
        else:
            known[key] = found
        if before != found:
            for told in self._subscribers:
                told(kind, before, found)


def _key(found: Mapping[str, Any]) -> Key:
    return found["metadata"].get("namespace", ""), found["metadata"]["name"]
