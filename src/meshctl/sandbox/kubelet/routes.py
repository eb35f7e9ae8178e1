"""The pods' network within a cluster: every node forwards, and knows by which node the others' pods are reached."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from meshctl.sandbox.kubelet import masquerade
from meshctl.sandbox.kubelet.node import Node
from meshctl.sandbox.kubelet.runtime import RuntimeFault

LOG = logging.getLogger(__name__)
Object = Mapping[str, Any]
RETRY_SECONDS = 1.0
FORWARD = "echo 1 > /proc/sys/net/ipv4/ip_forward"


def script(own: str, nodes: Iterable[Object]) -> str:
    """`ip -batch` lines for one node."""
    lines = []
    for node in nodes:
        cidr, address = (node.get("spec") or {}).get("podCIDR"), _address(node)
        if cidr and address and node["metadata"]["name"] != own:
            lines.append(f"route replace {cidr} via {address} proto static")
    return "".join(f"{line}\n" for line in sorted(lines))


async def keep(node: Node, changed: asyncio.Event) -> None:
    """Bring one node's routes up to date whenever a node has changed or has come back."""
    runtime, own = node.ground.runtime, node.spec.name
    done: tuple[int, str, object] = 0, "", None
    while True:
        changed.clear()
        wanted = node.pid, script(own, node.ground.objects.all("nodes")), node.cidr
        if wanted != done:
            try:
                await runtime.run(["sh", "-c", FORWARD], node=own)
                await runtime.run(["ip", "-batch", "-"], wanted[1], own)
                network = masquerade.hosts(await runtime.run(masquerade.LOOK, node=own))
                await runtime.run(["nft", "-f", "-"], masquerade.script(node.cidr, network), own)
                done = wanted
            except RuntimeFault as error:
                LOG.warning("routes of node %s: %s", own, error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
        await changed.wait()


def _address(node: Object) -> str:
    found = {one["type"]: one["address"] for one in (node.get("status") or {}).get("addresses") or ()}
    return str(found.get("InternalIP", ""))
