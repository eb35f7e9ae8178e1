"""One pod on its node: from its address and files to its containers, and away again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from meshctl.sandbox import wire
from meshctl.sandbox.controllers.api import FAULTS, MERGE, ApiFault
from meshctl.sandbox.controllers.clock import now
from meshctl.sandbox.controllers.journal import Note, Source, reference
from meshctl.sandbox.kubelet import addresses, launch, probes, proxy, status
from meshctl.sandbox.kubelet.containers import Container
from meshctl.sandbox.kubelet.environment import MissingConfig
from meshctl.sandbox.kubelet.execution import execute
from meshctl.sandbox.kubelet.files import PodFiles, hostname
from meshctl.sandbox.kubelet.images import Image
from meshctl.sandbox.kubelet.mounting import Volumes
from meshctl.sandbox.kubelet.node import Node
from meshctl.sandbox.kubelet.runtime import RuntimeFault
from meshctl.sandbox.kubelet.status import Place

LOG = logging.getLogger(__name__)
Object = dict[str, Any]
RETRY_SECONDS, REFRESH_SECONDS = 0.5, 60.0
GRACE_SECONDS, FORCED_SECONDS = 30.0, 1.0


class Pod:
    """The worker of one pod; `spec` is the object as it was first seen, `current` with what is known by now."""

    def __init__(self, node: Node, pod: Object) -> None:
        self.node, self.spec = node, pod
        self.uid: str = pod["metadata"]["uid"]
        self.name = launch.pod_name(pod)
        self.runtime, self.objects = node.ground.runtime, node.ground.objects
        self.files = PodFiles(node.ground.folder, self.uid)
        self.volumes = Volumes(node.ground, self.files)
        self.address = ""
        spec = pod["spec"]
        self.inits = [Container(self, one, init=True) for one in spec.get("initContainers") or ()]
        self.mains = [Container(self, one) for one in spec["containers"]]
        self._started = (pod.get("status") or {}).get("startTime") or now()
        self._dirty = asyncio.Event()
        self._refresh = asyncio.Event()
        self._ending = asyncio.Event()
        self._sent: Object = {}
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def title(self) -> str:
        """As the kubelet's messages call it."""
        metadata = self.spec["metadata"]
        return f"{metadata['name']}_{metadata['namespace']}({self.uid})"

    @property
    def containers(self) -> list[Container]:
        """All of them."""
        return [*self.inits, *self.mains]

    @property
    def current(self) -> Object:
        """The pod with its addresses, for those who ask by fieldRef."""
        known = {**(self.spec.get("status") or {}), "podIP": self.address, "hostIP": self.node.spec.address}
        return {**self.spec, "status": known}

    def hints(self, image: Image) -> dict[str, str]:
        """What Bookinfo's servers like to know of where they are."""
        if not image.environment:
            return {}
        metadata = self.spec["metadata"]
        return {
            "POD_NAME": metadata["name"],
            "POD_NAMESPACE": metadata["namespace"],
            "NODE_NAME": self.node.spec.name,
            "CLUSTER_NAME": self.node.ground.cluster,
        }

    @property
    def grace(self) -> float:
        """Seconds between the stop signal and the end."""
        metadata = self.spec["metadata"]
        stated = metadata.get("deletionGracePeriodSeconds")
        if stated is None:
            stated = self.spec["spec"].get("terminationGracePeriodSeconds", GRACE_SECONDS)
        return max(float(stated), FORCED_SECONDS)

    def note(self, reason: str, message: str, container: str = "", warn: bool = False) -> None:
        """Write an event."""
        field = f"spec.containers{{{container}}}" if container else ""
        source = Source("kubelet", self.node.spec.name)
        self.node.ground.journal.note(source, reference("Pod", "v1", self.spec, field), Note(reason, message, warn))

    def changed(self) -> None:
        """The status is to be written."""
        self._dirty.set()

    def update(self, pod: Object) -> None:
        """The API has another version of it."""
        self.spec = pod
        self._refresh.set()
        self._dirty.set()
        if pod["metadata"].get("deletionTimestamp"):
            self._ending.set()

    def vanish(self) -> None:
        """The API does not know it any more."""
        self.spec = {**self.spec, "metadata": {**self.spec["metadata"], "deletionGracePeriodSeconds": 0}}
        self._ending.set()

    def refresh(self) -> None:
        """A Secret, ConfigMap or Service that it may use has changed."""
        self._refresh.set()

    def target(self, container: Container) -> probes.Target:
        """How probes reach a container."""

        async def run(words: tuple[str, ...]) -> tuple[int, str]:
            return await execute(self, container, words)

        return probes.Target(self.node.ground.networks, self.node.pid, self.address, container.spec, run)

    def bootstrap(self, container: Mapping[str, Any]) -> Path:
        """The machine's path of what the proxy finds as its bootstrap."""
        if found := self.file(container, proxy.BOOTSTRAP):
            return found
        raise ValueError(f"container {container['name']} has no volume at {Path(proxy.BOOTSTRAP).parent}")

    def file(self, container: Mapping[str, Any], path: str) -> Path | None:
        """The machine's path of a file in one of a container's volumes."""
        folder = str(Path(path).parent)
        for one in container.get("volumeMounts") or ():
            if one["mountPath"].rstrip("/") == folder:
                return self.files.volume(one["name"]) / Path(path).name
        return None

    async def run(self) -> None:
        """Live until deleted, then go."""
        reporting = asyncio.create_task(self._report())
        living = asyncio.create_task(self._live())
        try:
            await self._ending.wait()
            living.cancel()
            await asyncio.wait([living])
            await self._end()
        finally:
            for task in (reporting, living, *self._tasks):
                task.cancel()

    async def _live(self) -> None:
        if (self.spec.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            return
        await self._settle()
        refreshing = asyncio.create_task(self._keep_fresh())
        self._tasks.append(refreshing)
        if await self._initialize():
            await self._together(self.mains)
        refreshing.cancel()

    async def _settle(self) -> None:
        """Address, files and namespaces; tried until it works."""
        while True:
            try:
                self._take_address()
                self.files.make()
                self.files.write_settings(self.spec, self.node, self.address)
                await self.volumes.fill(self.current)
                if not self.spec["spec"].get("hostNetwork"):
                    pod = wire.Pod(self.name, self.node.spec.name, self.address, hostname(self.spec))
                    fresh = await self.runtime.add_pod(pod)
                    for one in self.containers:
                        one.adopt(alive=not fresh)
                self.changed()
                return
            except MissingConfig as error:
                self.note("FailedMount", f"MountVolume.SetUp failed : {error}", warn=True)
            except (RuntimeFault, ApiFault, ValueError, *FAULTS) as error:
                self.note("FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}", warn=True)
            self._refresh.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._refresh.wait(), RETRY_SECONDS)

    def _take_address(self) -> None:
        if self.address:
            return
        if self.spec["spec"].get("hostNetwork"):
            self.address = self.node.spec.address
            return
        held = self.runtime.pods.get(self.name, {}).get("address")
        cidr = self.node.cidr
        if not held and cidr is None:
            raise ValueError(f"node {self.node.spec.name} has no pod CIDR")
        if not held and cidr is not None:
            held = addresses.free(cidr, set(self.node.addresses.values()), self.node.latest)
            self.node.latest = held
        self.address = str(held)
        self.node.addresses[self.name] = self.address

    async def _initialize(self) -> bool:
        """Run the containers that come first, one after the other; whether the others may start."""
        for one in self.inits:
            if one.state.sidecar:
                self._tasks.append(asyncio.create_task(one.run()))
                while not one.state.started:
                    self._dirty.set()
                    await asyncio.sleep(0.05)
                continue
            await one.run()
            if not one.state.succeeded:
                return False
        return True

    async def _together(self, containers: list[Container]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for one in containers:
                tasks.create_task(one.run())

    async def _keep_fresh(self) -> None:
        """Bring mounted files up to date when what they show changes, and tokens before they end."""
        while True:
            self._refresh.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._refresh.wait(), REFRESH_SECONDS)
            with contextlib.suppress(MissingConfig, ApiFault, *FAULTS):
                self.files.write_settings(self.spec, self.node, self.address)
                await self.volumes.fill(self.current)

    async def _end(self) -> None:
        """Stop the containers, take away namespaces and files, then the object itself."""
        self._adopt_for_end()
        for one in self.containers:
            if one.state.running:
                self.note("Killing", f"Stopping container {one.name}", one.name)
        watching = [asyncio.create_task(self._note_end(one)) for one in self.containers if one.state.running]
        await asyncio.gather(*(one.stop(self.grace) for one in self.containers))
        if watching:
            await asyncio.wait(watching, timeout=1)
        await self._take_away()
        await self._delete()

    async def _note_end(self, one: Container) -> None:
        one.conclude(await self.runtime.ended(one.program_name))

    def _adopt_for_end(self) -> None:
        if self.name in self.runtime.pods:
            for one in self.containers:
                if not one.state.running:
                    one.adopt(alive=True)

    async def _take_away(self) -> None:
        while True:
            try:
                await self.runtime.remove_pod(self.name)
                break
            except RuntimeFault as error:
                LOG.warning("pod %s: %s", self.title, error)
                await asyncio.sleep(RETRY_SECONDS)
        self.node.addresses.pop(self.name, None)
        self.files.remove()

    async def _delete(self) -> None:
        metadata = self.spec["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        body = {"gracePeriodSeconds": 0, "preconditions": {"uid": self.uid}}
        while True:
            try:
                with contextlib.suppress(ApiFault):
                    await self._send()
                await self.node.ground.api.ask("DELETE", path, body)
                return
            except ApiFault as fault:
                if fault.code in (404, 409):
                    return
                LOG.warning("pod %s: %s", self.title, fault)
            except FAULTS as fault:
                LOG.info("pod %s: %s", self.title, fault)
            await asyncio.sleep(RETRY_SECONDS)

    async def _report(self) -> None:
        """Write the status whenever it changes."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            try:
                await self._send()
            except ApiFault as fault:
                if fault.code == 404:
                    continue
                self._dirty.set()
                LOG.warning("status of pod %s: %s", self.title, fault)
                await asyncio.sleep(RETRY_SECONDS)
            except FAULTS as fault:
                self._dirty.set()
                LOG.info("status of pod %s: %s", self.title, fault)
                await asyncio.sleep(RETRY_SECONDS)

    async def _send(self) -> None:
        if (self.spec.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            return
        place = Place(self.address, self.node.spec.address, self._started)
        inits, mains = [one.state for one in self.inits], [one.state for one in self.mains]
        wanted = status.status(self._reported(), inits, mains, place, now())
        if wanted == self._sent:
            return
        metadata = self.spec["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status"
        change = {"metadata": {"uid": self.uid}, "status": wanted}
        await self.node.ground.api.ask("PATCH", path, change, MERGE)
        self._sent = wanted

    def _reported(self) -> Object:
        """The pod with the conditions that were written last: what comes by the watch may be older than these."""
        live = self.spec.get("status") or {}
        ours = {one["type"]: one for one in self._sent.get("conditions") or () if one["type"] in status.CONDITIONS}
        others = [one for one in live.get("conditions") or () if one["type"] not in ours]
        return {**self.spec, "status": {**live, "conditions": [*others, *ours.values()]}}
