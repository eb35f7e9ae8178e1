"""A cluster's name servers: one on every node, behind the Service kube-dns, so that no node's pods need another's."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from meshctl.sandbox.controllers.api import FAULTS, ApiFault
from meshctl.sandbox.controllers.services import names, slices
from meshctl.sandbox.controllers.services.endpoints import Object, Port
from meshctl.sandbox.controllers.services.writes import Writer
from meshctl.sandbox.controllers.workqueue import SURPRISES
from meshctl.sandbox.dns import zone
from meshctl.sandbox.enter import PACKAGE
from meshctl.sandbox.kubelet.node import DNS_OFFSET, Ground, Node
from meshctl.sandbox.kubelet.runtime import RuntimeFault
from meshctl.sandbox.paths import Paths
from meshctl.sandbox.wire import Program

LOG = logging.getLogger(__name__)
Seen = Mapping[str, Any]
NAMESPACE, SERVICE, PORT = "kube-system", "kube-dns", 53
MANAGER = "dns.meshctl.sandbox"
PORTS = (Port("dns", "UDP", PORT), Port("dns-tcp", "TCP", PORT))
PAUSE_SECONDS, RETRY_SECONDS, LOOK_SECONDS = 0.01, 0.5, 0.1


class NameServers:
    """They answer from one file, which follows the API, and go on with it when nobody writes it any more."""

    def __init__(self, ground: Ground, nodes: Iterable[Node], network: str) -> None:
        self._ground = ground
        self._nodes = list(nodes)
        self._network = network
        self._file = ground.folder.parent / "dns" / f"{ground.cluster}.json"
        self._slices = Writer(ground.api, ground.objects, "endpointslices")
        self._renamed, self._served = asyncio.Event(), asyncio.Event()
        ground.objects.subscribe(self._note)

    def _note(self, kind: str, before: Seen | None, after: Seen | None) -> None:
        if kind in ("services", "endpointslices") or (kind == "pods" and not (before and after)):
            self._renamed.set()
        found = after or before or {}
        if (found["metadata"].get("namespace"), _service_name(kind, found)) == (NAMESPACE, SERVICE):
            self._served.set()

    async def keep(self) -> None:
        """Keep names and servers up to date for ever."""
        if not self._network:
            return
        await self._ground.objects.synced.wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_file())
            group.create_task(self._keep_service())
            for node in self._nodes:
                group.create_task(self._keep_server(node))

    async def _keep_file(self) -> None:
        self._file.parent.mkdir(mode=0o700, exist_ok=True)
        written = ""
        while True:
            self._renamed.clear()
            try:
                text = zone.dump(self._zone())
                if text != written:
                    _write(self._file, text)
                    written = text
            except (OSError, *SURPRISES):
                LOG.exception("names of %s", self._ground.cluster)
            await self._renamed.wait()
            await asyncio.sleep(PAUSE_SECONDS)

    def _zone(self) -> zone.Zone:
        objects = self._ground.objects
        everywhere = (*objects.all("services"), *objects.all("pods"))
        spaces = {one["metadata"]["namespace"] for one in everywhere}
        return names.zone(objects.all("services"), objects.all("endpointslices"), spaces)

    async def _keep_service(self) -> None:
        while True:
            self._served.clear()
            try:
                await self._publish()
            except (*FAULTS, ApiFault, *SURPRISES) as fault:
                LOG.warning("%s: %r", SERVICE, fault)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            await self._served.wait()

    async def _publish(self) -> None:
        service = self._ground.objects.get("services", NAMESPACE, SERVICE)
        if service is None:
            made = _service(str(IPv4Network(self._network)[DNS_OFFSET + 1]))
            self._ground.objects.put("services", await self._ground.api.ask("POST", _path("services"), made))
            return
        found = [_endpoint(node, self._runs(node)) for node in self._nodes]
        wanted = slices.of_service(service, MANAGER, PORTS, found)
        live = self._ground.objects.get("endpointslices", NAMESPACE, wanted["metadata"]["name"])
        await self._slices.ensure(live, wanted, slices.is_same)

    def _runs(self, node: Node) -> bool:
        return bool(self._ground.runtime.programs.get(_name(node), {}).get("state") == "running")

    async def _keep_server(self, node: Node) -> None:
        """Start a node's server, and tell whether it runs."""
        while True:
            try:
                await self._ground.runtime.spawn(self._program(node))
            except RuntimeFault as error:
                LOG.info("name server of %s: %s", node.spec.name, error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            while not self._runs(node):
                await asyncio.sleep(LOOK_SECONDS)
            self._served.set()
            await self._ground.runtime.ended(_name(node))
            self._served.set()
            await asyncio.sleep(LOOK_SECONDS)

    def _program(self, node: Node) -> Program:
        return Program(
            _name(node),
            (sys.executable, "-S", "-P", "-m", "meshctl.sandbox.dns", str(self._file), node.spec.address, str(PORT)),
            node.spec.name,
            root="fabric",
            environment={"PYTHONPATH": str(PACKAGE), "PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
            log=str(Paths(self._ground.runtime.folder).logs / f"{_name(node)}.log"),
        )


def _name(node: Node) -> str:
    return f"dns-{node.spec.name}"


def _service_name(kind: str, found: Seen) -> str:
    if kind == "endpointslices":
        return slices.service_name(found)
    return str(found["metadata"]["name"]) if kind == "services" else ""


def _service(address: str) -> Object:
    """As kubeadm makes it, but for its selector: the servers are no pods."""
    labels = {"k8s-app": SERVICE, "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"}
    ports = [{"name": one.name, "port": one.number, "protocol": one.protocol} for one in PORTS]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": SERVICE, "namespace": NAMESPACE, "labels": labels},
        "spec": {"clusterIP": address, "ports": ports, "trafficDistribution": "PreferSameNode"},
    }


def _endpoint(node: Node, runs: bool) -> Object:
    conditions = {"ready": runs, "serving": runs, "terminating": False}
    return {"addresses": [node.spec.address], "conditions": conditions, "nodeName": node.spec.name}


def _path(kind: str) -> str:
    return f"/api/v1/namespaces/{NAMESPACE}/{kind}"


def _write(path: Path, text: str) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(text)
    draft.replace(path)
