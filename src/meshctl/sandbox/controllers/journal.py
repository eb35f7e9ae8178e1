"""Events about objects: what happens again counts up, as client-go's recorder does."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from meshctl.sandbox.controllers import clock
from meshctl.sandbox.controllers.api import FAULTS, MERGE, Api, ApiFault

LOG = logging.getLogger(__name__)
REMEMBERED = 1000
Key = tuple[str, ...]
Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """Who tells: a component, and the node if it is one of a node."""

    component: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """What happened, in CamelCase and in words."""

    reason: str
    message: str
    warning: bool = False


class Journal:
    """Writes in the background: an event that is lost never holds up anything."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._counts: OrderedDict[Key, tuple[str, int]] = OrderedDict()
        self._queue: asyncio.Queue[tuple[Object, int]] = asyncio.Queue(REMEMBERED)

    def note(self, source: Source, involved: Mapping[str, str], event: Note) -> None:
        """Note that something happened to an object, which `reference` names."""
        key = (source.component, involved["uid"], involved.get("fieldPath", ""), event.reason, event.message)
        name, count = self._counts.pop(key, ("", 0))
        name = name or f"{involved['name']}.{hashlib.sha256(repr((key, time.time())).encode()).hexdigest()[:16]}"
        self._counts[key] = name, count + 1
        if len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)
        if not self._queue.full():
            self._queue.put_nowait((_event(name, source, involved, event), count + 1))

    async def keep(self) -> None:
        """Write for ever."""
        while True:
            event, count = await self._queue.get()
            path = f"/api/v1/namespaces/{event['metadata']['namespace']}/events"
            try:
                if count == 1 or not await self._count_up(f"{path}/{event['metadata']['name']}", count):
                    await self._api.ask("POST", path, event)
            except (ApiFault, *FAULTS) as fault:
                LOG.debug("event: %s", fault)

    async def _count_up(self, path: str, count: int) -> bool:
        try:
            await self._api.ask("PATCH", path, {"count": count, "lastTimestamp": clock.now()}, MERGE)
        except ApiFault as fault:
            if fault.code == 404:
                return False
            raise
        return True


def reference(kind: str, version: str, found: Mapping[str, Any], field: str = "") -> dict[str, str]:
    """The ObjectReference to an object, or to a field of it."""
    metadata = found["metadata"]
    named = {"apiVersion": version, "kind": kind, "name": metadata["name"], "uid": metadata["uid"]}
    place = {"namespace": metadata.get("namespace", "default"), "resourceVersion": metadata.get("resourceVersion", "")}
    return {**named, **place, **({"fieldPath": field} if field else {})}


def _event(name: str, source: Source, involved: Mapping[str, str], event: Note) -> Object:
    now = clock.now()
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": involved["namespace"]},
        "involvedObject": dict(involved),
        "reason": event.reason,
        "message": event.message,
        "type": "Warning" if event.warning else "Normal",
        "source": {"component": source.component, **({"host": source.host} if source.host else {})},
        "reportingComponent": source.component,
        "reportingInstance": source.host,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
