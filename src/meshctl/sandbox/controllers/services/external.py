"""External addresses of Services: which node holds each, and what that takes on the node; pure values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface
from typing import Any

from meshctl.sandbox.controllers.services.ports import ServicePort

INTERFACE = "eth0"
# By its label an address is known for one of ours, whoever looks.
LABEL = f"{INTERFACE}:external"


@dataclass(frozen=True, slots=True)
class Link:
    """A node's interface: its own address with its network, its hardware address, and what it holds besides."""

    own: IPv4Interface
    hardware: str
    held: frozenset[str]


def holders(found: Iterable[ServicePort], nodes: Sequence[str]) -> dict[str, str]:
    """The node for each external address: the first of `nodes`, or the first that serves if others may not."""
    chosen: dict[str, str] = {}
    for one in found:
        serving = {endpoint.node for endpoint in one.endpoints if endpoint.ready}
        able = [name for name in nodes if name in serving] if one.outside == "Local" else list(nodes)
        for address in one.externals:
            if able and (one.outside == "Local" or address not in chosen):
                chosen[address] = able[0]
    return chosen


def link(described: Sequence[Mapping[str, Any]]) -> Link:
    """What `ip -json addr show dev eth0` says; ValueError if the interface has no address."""
    for one in described:
        addresses = [found for found in one.get("addr_info") or () if found["family"] == "inet"]
        own = [f"{found['local']}/{found['prefixlen']}" for found in addresses if found.get("label") != LABEL]
        if own:
            held = frozenset(found["local"] for found in addresses if found.get("label") == LABEL)
            return Link(IPv4Interface(own[0]), one["address"], held)
    raise ValueError(f"{INTERFACE} has no address")


def holdable(wanted: Iterable[str], there: Link, nodes: Iterable[str]) -> set[str]:
    """Those of the addresses that are of the nodes' network and no node's own."""
    network = there.own.network
    no = {str(network.network_address), str(network.broadcast_address), *nodes}
    return {one for one in wanted if one not in no and IPv4Address(one) in network}


def take(address: str) -> list[str]:
    """The command by which a node takes an address."""
    return ["ip", "addr", "replace", f"{address}/32", "dev", INTERFACE, "label", LABEL]


def leave(address: str) -> list[str]:
    """The command by which a node lets go of an address."""
    return ["ip", "addr", "del", f"{address}/32", "dev", INTERFACE]
