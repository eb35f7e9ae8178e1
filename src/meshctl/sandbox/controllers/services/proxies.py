"""Every node's kernel leads to the Services of the moment, and one node has each external address."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address
from typing import Any

from meshctl.sandbox.controllers.services import arp, external, ports, ruleset
from meshctl.sandbox.controllers.services.external import INTERFACE, Link
from meshctl.sandbox.controllers.services.ports import ServicePort
from meshctl.sandbox.controllers.services.ruleset import Place
from meshctl.sandbox.controllers.workqueue import SURPRISES
from meshctl.sandbox.kubelet.node import Ground, Node
from meshctl.sandbox.kubelet.runtime import RuntimeFault

LOG = logging.getLogger(__name__)
Seen = Mapping[str, Any]
KINDS = ("services", "endpointslices", "nodes")
RETRY_SECONDS = 1.0
# A pod that comes or goes changes several objects; many that come at once must not keep the nodes busy with rules
# (kube-proxy's minSyncPeriod is 1 s).
PAUSE_SECONDS, SPACING_SECONDS = 0.01, 0.15
LOOK = ["ip", "-json", "addr", "show", "dev", INTERFACE]


class Proxies:
    """kube-proxy's work on all nodes of a cluster; `network` is that of its Services, empty if unknown."""

    def __init__(self, ground: Ground, nodes: Iterable[Node], network: str) -> None:
        self._ground = ground
        self._nodes = sorted(nodes, key=lambda one: (not one.spec.control_plane, one.spec.name))
        self._network = network
        self._changed = {one.spec.name: asyncio.Event() for one in self._nodes}
        self._moved = {one.spec.name: asyncio.Event() for one in self._nodes}
        self._ports: list[ServicePort] | None = None
        ground.objects.subscribe(self._note)

    def wake(self) -> None:
        """A host has come or gone."""
        for event in (*self._changed.values(), *self._moved.values()):
            event.set()

    async def keep(self) -> None:
        """Keep all nodes up to date for ever."""
        await self._ground.objects.synced.wait()
        async with asyncio.TaskGroup() as group:
            for one in self._nodes:
                group.create_task(self._keep_rules(one, self._changed[one.spec.name]))
                group.create_task(self._keep_addresses(one, self._moved[one.spec.name]))

    def _note(self, kind: str, _: Seen | None, __: Seen | None) -> None:
        if kind in KINDS:
            self._ports = None
            self.wake()

    def _known(self) -> list[ServicePort]:
        if self._ports is None:
            objects = self._ground.objects
            self._ports = ports.of(objects.all("services"), objects.all("endpointslices"))
        return self._ports

    async def _keep_rules(self, node: Node, changed: asyncio.Event) -> None:
        done, loop = (0, ""), asyncio.get_running_loop()
        while True:
            changed.clear()
            try:
                done = await self._lead(node, done)
            except RuntimeFault as error:
                LOG.warning("services on node %s: %s", node.spec.name, error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            except SURPRISES:
                LOG.exception("services on node %s", node.spec.name)
            next_time = loop.time() + SPACING_SECONDS
            await changed.wait()
            await asyncio.sleep(max(PAUSE_SECONDS, next_time - loop.time()))

    async def _lead(self, node: Node, done: tuple[int, str]) -> tuple[int, str]:
        """Bring a node's rules up to date: which process of the node has which rules."""
        wanted = node.pid, ruleset.script(self._known(), self._place(node))
        if node.pid and wanted != done:
            if wanted[0] != done[0] and self._network:
                await self._ground.runtime.run(self._route(), node=node.spec.name)
            await self._ground.runtime.run(["nft", "-f", "-"], wanted[1], node.spec.name)
        return wanted

    def _route(self) -> list[str]:
        """Without a route the node's own programs would not even get to the rules."""
        return ["ip", "route", "replace", self._network, "dev", INTERFACE, "scope", "link", "proto", "static"]

    def _place(self, node: Node) -> Place:
        cidr = node.cidr
        return Place(node.spec.name, node.spec.address, str(cidr) if cidr else "", self._network)

    async def _keep_addresses(self, node: Node, changed: asyncio.Event) -> None:
        done: tuple[int, set[str]] = 0, set()
        problem = ""
        while True:
            changed.clear()
            wanted, before = (node.pid, self._wanted(node)), problem
            try:
                problem = "" if not node.pid or wanted == done else await self._settle(node, wanted[1])
            except (RuntimeFault, OSError, *SURPRISES) as error:
                problem = repr(error)
            if not problem:
                done = wanted
                await changed.wait()
                continue
            if problem != before:
                LOG.warning("external addresses of node %s: %s", node.spec.name, problem)
            await asyncio.sleep(RETRY_SECONDS)

    def _wanted(self, node: Node) -> set[str]:
        up = [one.spec.name for one in self._nodes if one.pid]
        chosen = external.holders(self._known(), up)
        return {address for address, name in chosen.items() if name == node.spec.name}

    async def _settle(self, node: Node, wanted: set[str]) -> str:
        """Take and leave addresses; which of them others hold."""
        runtime, name = self._ground.runtime, node.spec.name
        there = external.link(json.loads(await runtime.run(LOOK, node=name)))
        wanted = external.holdable(wanted, there, (one.spec.address for one in self._nodes))
        for address in there.held - wanted:
            await runtime.run(external.leave(address), node=name)
        others = {address: await self._take(node, there, address) for address in sorted(wanted - there.held)}
        return ", ".join(f"{address} is held by {other}" for address, other in others.items() if other)

    async def _take(self, node: Node, there: Link, address: str) -> str:
        """Take an address, unless another host has it: who."""
        hardware, wanted = arp.octets(there.hardware), IPv4Address(address)
        with await self._ground.networks.packets_in(node.pid, arp.ETHERTYPE) as connection:
            connection.bind((INTERFACE, arp.ETHERTYPE))
            if other := await arp.holder(connection, wanted, hardware):
                return other
            await self._ground.runtime.run(external.take(address), node=node.spec.name)
            await arp.announce(connection, wanted, hardware)
        return ""
