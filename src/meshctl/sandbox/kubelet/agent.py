"""The node agents of a cluster: pods come and go as the API says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.controllers.api import Api
from meshctl.sandbox.controllers.config import Config
from meshctl.sandbox.controllers.journal import Journal
from meshctl.sandbox.controllers.objects import Objects
from meshctl.sandbox.controllers.services.nameservers import NameServers
from meshctl.sandbox.controllers.services.proxies import Proxies
from meshctl.sandbox.kubelet import routes
from meshctl.sandbox.kubelet.netns import Networks
from meshctl.sandbox.kubelet.node import Ground, Node
from meshctl.sandbox.kubelet.pods import Pod
from meshctl.sandbox.kubelet.runtime import Runtime, RuntimeFault
from meshctl.sandbox.kubelet.server import Server
from meshctl.sandbox.paths import Paths

LOG = logging.getLogger(__name__)
Object = dict[str, Any]
PODS = "pods"
REFRESHING = ("secrets", "configmaps", "services")


class Agents:
    """One for each node, by name; `pods` by uid are those that they care for."""

    def __init__(self, api: Api, settings: Config, objects: Objects, journal: Journal) -> None:
        assert settings.folder  # noqa: S101 # without it nobody starts agents
        runtime = Runtime(Paths(settings.folder))
        folder = settings.folder / PODS
        self.ground = Ground(settings.cluster, folder, api, runtime, objects, journal, Networks())
        self.nodes = {one.name: Node(one, self.ground) for one in settings.nodes}
        self._settings = settings
        self.pods: dict[str, Pod] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._routed = {name: asyncio.Event() for name in self.nodes}
        self._services = Proxies(self.ground, self.nodes.values(), settings.service_cidr)
        self._open = False

    async def run(self) -> None:
        """Agents for ever; returns when the supervisor is gone."""
        runtime, objects = self.ground.runtime, self.ground.objects
        runtime.tell(self._lost, self._wake)
        await runtime.open()
        objects.subscribe(self._changed)
        following = [asyncio.create_task(routes.keep(one, self._routed[one.spec.name])) for one in self.nodes.values()]
        names = NameServers(self.ground, self.nodes.values(), self._settings.service_cidr)
        following += [asyncio.create_task(one) for one in (self._services.keep(), names.keep())]
        try:
            await objects.synced.wait()
            await self._begin()
            server = Server(self._settings, self.find, lambda: list(self.pods.values()))
            following.append(asyncio.create_task(server.serve(list(self.nodes.values()))))
            await asyncio.shield(runtime.closed)
        finally:
            objects.unsubscribe(self._changed)
            for task in (*following, *self._tasks.values()):
                task.cancel()

    def find(self, namespace: str, name: str) -> Pod | None:
        """The pod of that name that is cared for now."""
        found = self.ground.objects.get("pods", namespace, name)
        return self.pods.get(found["metadata"]["uid"]) if found else None

    async def _begin(self) -> None:
        """Take over what an earlier agent left: addresses first, then pods; what nobody knows goes."""
        found = {one["metadata"]["uid"] for one in self.ground.objects.all("pods") if self._is_ours(one)}
        for name, pod in list(self.ground.runtime.pods.items()):
            if pod["node"] in self.nodes:
                self.nodes[pod["node"]].addresses[name] = pod["address"]
                if name.rpartition("/")[2] not in found:
                    asyncio.get_running_loop().create_task(self._remove(name, pod["node"]))
        self._open = True
        for one in list(self.ground.objects.all("pods")):
            self._take(one)

    async def _remove(self, name: str, node: str) -> None:
        try:
            await self.ground.runtime.remove_pod(name)
        except RuntimeFault as error:
            LOG.warning("pod %s: %s", name, error)
        self.nodes[node].addresses.pop(name, None)

    def _is_ours(self, pod: Mapping[str, Any]) -> bool:
        return pod["spec"].get("nodeName") in self.nodes

    def _wake(self, node: str = "") -> None:
        for name, event in self._routed.items():
            if node in ("", name):
                event.set()
        self._services.wake()

    def _lost(self, name: str) -> None:
        """A pod whose node has died begins anew, under the same name and address."""
        if pod := self.pods.pop(name.rpartition("/")[2], None):
            self._tasks.pop(pod.uid).cancel()
            self._take(pod.spec)

    def _changed(self, kind: str, before: Object | None, after: Object | None) -> None:
        if kind == "nodes":
            self._wake()
        if not self._open:
            return
        if kind in REFRESHING:
            namespace = (after or before or {})["metadata"]["namespace"]
            for pod in self.pods.values():
                if pod.spec["metadata"]["namespace"] == namespace or kind == "services":
                    pod.refresh()
        if kind == "pods":
            uid = after["metadata"]["uid"] if after else ""
            if before and before["metadata"]["uid"] != uid and (gone := self.pods.get(before["metadata"]["uid"])):
                gone.vanish()
            if after:
                self._take(after)

    def _take(self, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        if known := self.pods.get(uid):
            known.update(pod)
        elif self._is_ours(pod):
            self.pods[uid] = made = Pod(self.nodes[pod["spec"]["nodeName"]], pod)
            if pod["metadata"].get("deletionTimestamp"):
                made.update(pod)
            task = self._tasks[uid] = asyncio.create_task(made.run())
            task.add_done_callback(lambda done: self._done(uid, done))

    def _done(self, uid: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(uid) is task:
            del self._tasks[uid], self.pods[uid]
        if not task.cancelled() and (error := task.exception()):
            LOG.error("pod %s", uid, exc_info=error)
