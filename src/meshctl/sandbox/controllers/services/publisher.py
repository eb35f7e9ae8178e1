"""Endpoints and EndpointSlices in the API follow Services and pods."""

from __future__ import annotations

from collections.abc import Iterable

from meshctl.sandbox.controllers.api import Api
from meshctl.sandbox.controllers.objects import Objects
from meshctl.sandbox.controllers.services import endpoints, mirroring, slices, subsets
from meshctl.sandbox.controllers.services.endpoints import ZONE, Object, Seen
from meshctl.sandbox.controllers.services.writes import Writer
from meshctl.sandbox.controllers.workqueue import Key, WorkQueue

SLICES, ENDPOINTS = "endpointslices", "endpoints"
OWN = (slices.CONTROLLER, mirroring.CONTROLLER)


class Publisher:
    """The controller of one cluster's endpoints."""

    def __init__(self, api: Api, objects: Objects) -> None:
        self._objects = objects
        self._endpoints = Writer(api, objects, ENDPOINTS)
        self._slices = Writer(api, objects, SLICES)
        self._queue = WorkQueue("endpoints of", self._sync)
        objects.subscribe(self._changed)

    async def keep(self) -> None:
        """Control for ever."""
        await self._objects.synced.wait()
        for kind in ("services", ENDPOINTS, SLICES):
            for one in self._objects.all(kind):
                self._add(kind, one)
        await self._queue.keep()

    def _changed(self, kind: str, before: Object | None, after: Object | None) -> None:
        if not self._objects.synced.is_set():
            return
        if kind == "pods":
            self._add_services_of(filter(None, (before, after)))
        elif kind == "nodes":
            if _zone(before) != _zone(after):
                for one in self._objects.all("services"):
                    self._add("services", one)
        elif kind in ("services", ENDPOINTS, SLICES):
            for found in filter(None, (before, after)):
                self._add(kind, found)

    def _add_services_of(self, pods: Iterable[Seen]) -> None:
        seen = list(pods)
        for service in self._objects.all("services"):
            same = service["metadata"]["namespace"] == seen[0]["metadata"]["namespace"]
            if same and any(endpoints.selects(service, pod) for pod in seen):
                self._add("services", service)

    def _add(self, kind: str, found: Seen) -> None:
        name = slices.service_name(found) if kind == SLICES else found["metadata"]["name"]
        if name:
            self._queue.add((found["metadata"]["namespace"], name))

    async def _sync(self, key: Key) -> None:
        """Slices first: they are what proxies follow."""
        service, written = self._objects.get("services", *key), self._objects.get(ENDPOINTS, *key)
        if service and service["metadata"].get("deletionTimestamp"):
            return
        if service and endpoints.has_endpoints_of_pods(service):
            pods = [one for one in self._objects.all("pods") if one["metadata"]["namespace"] == key[0]]
            zones = {one["metadata"]["name"]: _zone(one) for one in self._objects.all("nodes")}
            await self._write_slices(key, slices.wanted(service, pods, zones))
            await self._endpoints.ensure(written, subsets.wanted(service, pods), subsets.is_same)
            return
        await self._write_slices(key, mirroring.wanted(written, service) if service and written else ())
        if written and not service:
            await self._endpoints.delete(written)

    async def _write_slices(self, key: Key, made: Iterable[Object]) -> None:
        live = {
            one["metadata"]["name"]: one
            for one in self._objects.all(SLICES)
            if (one["metadata"]["namespace"], slices.service_name(one)) == key
            and any(slices.managed(one, manager) for manager in OWN)
        }
        for one in made:
            await self._slices.ensure(live.pop(one["metadata"]["name"], None), one, slices.is_same)
        for gone in live.values():
            await self._slices.delete(gone)


def _zone(node: Seen | None) -> str:
    return str(((node or {}).get("metadata", {}).get("labels") or {}).get(ZONE, ""))
