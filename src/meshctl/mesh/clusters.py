"""The clusters of a mesh and what runs in them, asked all at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from meshctl.errors import UsageError
from meshctl.kube.access import Access
from meshctl.kube.client import ApiError, Client
from meshctl.mesh import pod
from meshctl.mesh.pod import Pod
from meshctl.topology import Topology

PODS, SERVICES = "/api/v1/pods", "/api/v1/services"
EASTWEST = "eastwestgateway"
WORKERS = 8
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Mesh:
    """A topology and the way into each cluster's API, by cluster name."""

    topology: Topology
    accesses: Mapping[str, Access]
    clients: Mapping[str, Client]


@dataclass(frozen=True, slots=True)
class Survey:
    """The pods of all clusters, and `silent`: why a cluster could not be asked, by its name."""

    pods: tuple[Pod, ...]
    silent: Mapping[str, str]

    @property
    def proxies(self) -> tuple[Pod, ...]:
        """The pods with an Envoy."""
        return tuple(one for one in self.pods if one.has_proxy)


def connect(topology: Topology, accesses: Mapping[str, Access], seconds: float = 10.0) -> Mesh:
    """The mesh behind these ways in; UsageError if there is none."""
    if not accesses:
        raise UsageError(f"no way into the clusters of {topology.name} is known (provider {topology.provider})")
    return Mesh(topology, accesses, {name: Client(access, seconds) for name, access in accesses.items()})


def survey(mesh: Mesh) -> Survey:
    """What runs now. A cluster whose API does not answer is among the silent; UsageError if none does."""
    found = dict(zip(mesh.clients, together(_pods, mesh.clients.items()), strict=True))
    silent = {name: pods for name, pods in found.items() if isinstance(pods, str)}
    if len(silent) == len(found):
        raise UsageError("\n".join(f"{name}: {reason}" for name, reason in silent.items()))
    return Survey(tuple(one for pods in found.values() if not isinstance(pods, str) for one in pods), silent)


def _pods(named: tuple[str, Client]) -> list[Pod] | str:
    cluster, client = named
    try:
        return [pod.parse(cluster, one) for one in _items(client, PODS)]
    except ApiError as error:
        return str(error)


def gateways(mesh: Mesh) -> dict[str, str]:
    """The cluster of each address of an east-west gateway; those of clusters that answer."""
    found = together(_gateways, mesh.clients.items())
    return {address: cluster for addresses, cluster in zip(found, mesh.clients, strict=True) for address in addresses}


def _gateways(named: tuple[str, Client]) -> list[str]:
    try:
        services = _items(named[1], SERVICES)
    except ApiError:
        return []
    selected = [one for one in services if EASTWEST in (one["spec"].get("selector") or {}).values()]
    return [address for one in selected for address in _addresses(one)]


def _addresses(service: Mapping[str, Any]) -> list[str]:
    balanced = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return [*(service["spec"].get("externalIPs") or ()), *(one["ip"] for one in balanced if one.get("ip"))]


def _items(client: Client, where: str) -> list[dict[str, Any]]:
    return list((client.read(where) or {}).get("items") or ())


def together(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """The results in order, with a few items under way at once."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(work, items))
