"""The objects of one cluster, kept up to date by lists and watches; a dead server leaves the last ones."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from meshctl.sandbox.xds.istiod.api import FAULTS, Api, ApiFault
from meshctl.sandbox.xds.istiod.kinds import Kind, Object

LOG = logging.getLogger(__name__)
FIRST_RETRY, LAST_RETRY, UNKNOWN_RETRY = 0.1, 3.0, 5.0
GONE = 410
Key = tuple[str, str]
OnChange = Callable[[str, Kind, Object | None, Object | None], None]


@dataclass(slots=True)
class Informer:
    """What is known of one cluster. `fault`: why its server can't be read at the moment, empty if it can."""

    cluster: str
    api: Api
    kinds: tuple[Kind, ...]
    on_change: OnChange
    objects: dict[str, dict[Key, Object]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    synced: asyncio.Event = field(default_factory=asyncio.Event)

    def all(self, *kinds: str) -> Iterator[Object]:
        """Every object of these kinds."""
        return (item for kind in kinds for item in self.objects.get(kind, {}).values())

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """One object."""
        return self.objects.get(kind, {}).get((namespace, name))

    @property
    def fault(self) -> str:
        """The first thing that is wrong with reading this cluster."""
        return next(iter(self.faults.values()), "")

    async def run(self) -> None:
        """List and watch for ever."""
        async with asyncio.TaskGroup() as tasks:
            for kind in self.kinds:
                tasks.create_task(self._follow(kind))

    async def _follow(self, kind: Kind) -> None:
        version, wait = "", FIRST_RETRY
        while True:
            try:
                version = version or await self._list(kind)
                wait = FIRST_RETRY
                self._well(kind)
                version = await self._watch(kind, version)
            except ApiFault as fault:
                version = "" if fault.code in (GONE, 403, 404) else version
                wait = self._ill(kind, fault, wait)
            except FAULTS as fault:
                wait = self._ill(kind, fault, wait)
            await asyncio.sleep(wait)

    async def _list(self, kind: Kind) -> str:
        try:
            listed = await self.api.ask("GET", f"{kind.path}?{kind.query}")
        except ApiFault as fault:
            if _is_spared(kind, fault):
                self._replace(kind, ())
            raise
        self._replace(kind, listed.get("items") or ())
        return str(listed["metadata"]["resourceVersion"])

    async def _watch(self, kind: Kind, version: str) -> str:
        async for event, item in self.api.watch(kind.path, kind.query, version):
            version = item["metadata"]["resourceVersion"]
            if event != "BOOKMARK":
                self._set(kind, _key(item), None if event == "DELETED" else kind.kept(item))
        return version

    def _replace(self, kind: Kind, items: Iterable[Object]) -> None:
        found = {_key(item): kind.kept(item) for item in items}
        for key in (*(self.objects.setdefault(kind.name, {}).keys() - found.keys()), *found):
            self._set(kind, key, found.get(key))
        if len(self.objects) == len(self.kinds):
            self.synced.set()

    def _set(self, kind: Kind, key: Key, item: Object | None) -> None:
        known = self.objects[kind.name]
        before = known.get(key)
        if before == item:
            return
        if item is None:
            del known[key]
        else:
            known[key] = item
        self.on_change(self.cluster, kind, before, item)

    def _well(self, kind: Kind) -> None:
        if self.faults.pop(kind.name, None) and not self.faults:
            LOG.info("cluster %s: its API server is read again", self.cluster)

    def _ill(self, kind: Kind, fault: Exception, wait: float) -> float:
        if _is_spared(kind, fault):
            return UNKNOWN_RETRY
        reason = _reason(fault)
        if reason != self.fault:
            LOG.warning(
                "cluster %s: can't read %s of %s: %s", self.cluster, kind.plural, self.api.address.server, reason
            )
        self.faults[kind.name] = reason
        return min(wait * 2, LAST_RETRY)


def _is_spared(kind: Kind, fault: Exception) -> bool:
    """Whether a server may do without a kind, or keep it from us."""
    return kind.optional and isinstance(fault, ApiFault) and fault.code in (403, 404)


def _reason(fault: Exception) -> str:
    if isinstance(fault, ApiFault):
        hints = {401: "its token is refused", 403: "its account may not"}
        hint = hints.get(fault.code)
        return f"{fault.code} {hint + ': ' if hint else ''}{fault}"
    return str(fault) or type(fault).__name__


def _key(item: Object) -> Key:
    meta = item["metadata"]
    return meta.get("namespace", ""), meta["name"]
