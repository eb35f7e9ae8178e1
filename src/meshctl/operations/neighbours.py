"""Routes to the clusters on the same network, with the pod CIDRs that their nodes have now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from meshctl.kube.access import Access
from meshctl.kube.client import ApiError, Client
from meshctl.topology import Route


def routes(neighbours: Sequence[Mapping[str, Any]]) -> list[Route]:
    """One route per node pod CIDR by way of that node, and one per service CIDR, sorted by destination.

    `neighbours` have `access` (None: nobody to ask), `services` {CIDR: next hop}, `nodes` {name: address} and
    `pods` {node: CIDR}: what the topology states, which holds for a node until its API says otherwise.
    """
    return sorted(route for one in neighbours for route in _routes(one))


def _routes(cluster: Mapping[str, Any]) -> list[Route]:
    cidrs = {**cluster["pods"], **_live(cluster["access"])}
    hops = [(cidrs[name], address) for name, address in cluster["nodes"].items() if name in cidrs]
    return [Route(IPv4Network(cidr), IPv4Address(via)) for cidr, via in (*hops, *cluster["services"].items())]


def _live(access: Mapping[str, str] | None) -> dict[str, str]:
    """`Node.spec.podCIDR` by node name; nothing if the API doesn't answer."""
    if access is None:
        return {}
    try:
        found = Client(Access(**access)).read("/api/v1/nodes") or {}
    except ApiError:
        return {}
    nodes = {node["metadata"]["name"]: node["spec"].get("podCIDR") for node in found.get("items", ())}
    return {name: cidr for name, cidr in nodes.items() if cidr}
