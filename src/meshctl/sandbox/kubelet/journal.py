"""Events about pods: what happens again counts up, as the kubelet's recorder does."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.controllers.api import FAULTS, MERGE, Api, ApiFault
from meshctl.sandbox.kubelet.status import stamp

LOG = logging.getLogger(__name__)
REMEMBERED = 1000
Key = tuple[str, ...]


class Journal:
    """Writes in the background: an event that is lost never holds up a pod."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._counts: OrderedDict[Key, tuple[str, int]] = OrderedDict()
        self._queue: asyncio.Queue[tuple[str, dict[str, Any], int]] = asyncio.Queue(REMEMBERED)

    def note(self, pod: Mapping[str, Any], reason: str, message: str, container: str = "", warn: bool = False) -> None:
        """Note that something happened to a pod, or to a container of it."""
        metadata = pod["metadata"]
        key = (metadata["uid"], container, reason, message)
        name, count = self._counts.pop(key, ("", 0))
        name = name or f"{metadata['name']}.{hashlib.sha256(repr((key, time.time())).encode()).hexdigest()[:16]}"
        self._counts[key] = name, count + 1
        if len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)
        if not self._queue.full():
            self._queue.put_nowait(
                (metadata["namespace"], _event(pod, name, reason, message, container, warn), count + 1)
            )

    async def keep(self) -> None:
        """Write for ever."""
        while True:
            namespace, event, count = await self._queue.get()
            path = f"/api/v1/namespaces/{namespace}/events"
            try:
                if count == 1 or not await self._count_up(f"{path}/{event['metadata']['name']}", count):
                    await self._api.ask("POST", path, event)
            except (ApiFault, *FAULTS) as fault:
                LOG.debug("event: %s", fault)

    async def _count_up(self, path: str, count: int) -> bool:
        try:
            await self._api.ask("PATCH", path, {"count": count, "lastTimestamp": stamp(time.time())}, MERGE)
        except ApiFault as fault:
            if fault.code == 404:
                return False
            raise
        return True


def _event(pod: Mapping[str, Any], name: str, reason: str, message: str, container: str, warn: bool) -> dict[str, Any]:
    metadata, node, now = pod["metadata"], pod["spec"].get("nodeName", ""), stamp(time.time())
    involved = {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "uid": metadata["uid"],
        "resourceVersion": metadata.get("resourceVersion", ""),
    }
    if container:
        involved["fieldPath"] = f"spec.containers{{{container}}}"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": metadata["namespace"]},
        "involvedObject": involved,
        "reason": reason,
        "message": message,
        "type": "Warning" if warn else "Normal",
        "source": {"component": "kubelet", "host": node},
        "reportingComponent": "kubelet",
        "reportingInstance": node,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
