"""The endpoint table that istiod gives a proxy: grouping, network filter, distribute, failover.

Facts: Istio 1.31 `pilot/pkg/xds/endpoints/ep_filters.go` and `pilot/pkg/networking/core/loadbalancer/loadbalancer.go`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import lcm
from typing import Any

from meshctl.predict.balancing import LbEndpoint, LocalityEndpoints
from meshctl.predict.mesh import Mesh, MeshCluster, Pod, Proxy, topology_labels
from meshctl.predict.policy import EXPLICIT_TLS, Routing
from meshctl.topology import NETWORK_LABEL

LEVELS_OF_FAILOVER = 5


@dataclass(frozen=True, slots=True)
class _Host:
    """An endpoint on its way through the filters; a gateway address has no labels."""

    address: str
    weight: int
    healthy: bool = True
    labels: Mapping[str, str] | None = None
    network: str = ""


@dataclass(frozen=True, slots=True)
class _Group:
    locality: tuple[str, str, str]
    hosts: tuple[_Host, ...]
    weight: int | None
    priority: int = 0


def table(mesh: Mesh, proxy: Proxy, service: str, port: int, routing: Routing) -> tuple[LocalityEndpoints, ...]:
    """The endpoint table of a service's port (targetPort = port) for a proxy, groups sorted by locality."""
    groups = _filtered(mesh, proxy, service, port, routing)
    groups = _located(groups, proxy, routing)
    return tuple(
        LocalityEndpoints(
            _text(group.locality),
            tuple(LbEndpoint(host.address, host.weight, host.healthy) for host in group.hosts),
            group.weight,
            group.priority,
        )
        for group in groups
    )


def scale(clusters: Iterable[MeshCluster]) -> int:
    """S: the least common multiple of the numbers of gateways of each network and of each (network, cluster)."""
    counts: dict[tuple[str, ...], int] = {}
    for cluster in clusters:
        if cluster.gateways and cluster.network:
            for key in ((cluster.network,), (cluster.network, cluster.name)):
                counts[key] = counts.get(key, 0) + len(cluster.gateways)
    return lcm(*counts.values()) if counts else 1


def _text(locality: tuple[str, str, str]) -> str:
    return "/".join(locality).rstrip("/")


def _filtered(mesh: Mesh, proxy: Proxy, service: str, port: int, routing: Routing) -> list[_Group]:
    members: dict[tuple[str, str, str], list[Pod]] = {}
    for pod in mesh.pods:
        if pod.service == service and routing.labels.items() <= pod.labels.items():
            members.setdefault(mesh.by_name[pod.cluster].locality, []).append(pod)
    factor = scale(mesh.clusters)
    active = any(cluster.gateways and cluster.network for cluster in mesh.clusters)
    groups = []
    for locality in sorted(members, key="/".join):
        visible = [pod for pod in members[locality] if _is_in_view(mesh, proxy, pod)]
        if not visible:
            continue
        if not active:
            hosts = [_pod_host(mesh, pod, port, 1) for pod in visible]
        else:
            hosts = _through_gateways(mesh, proxy, visible, port, factor, routing)
        groups.append(_Group(locality, tuple(hosts), sum(host.weight for host in hosts) or None))
    return groups


def _is_in_view(mesh: Mesh, proxy: Proxy, pod: Pod) -> bool:
    network = mesh.by_name[pod.cluster].network
    return proxy.view is None or not network or network == proxy.view


def _pod_host(mesh: Mesh, pod: Pod, port: int, weight: int) -> _Host:
    home = mesh.by_name[pod.cluster]
    labels = {**pod.labels, **topology_labels(home)}
    return _Host(f"{pod.address}:{port}", weight, pod.ready, labels, home.network)


def _through_gateways(
    mesh: Mesh, proxy: Proxy, pods: Sequence[Pod], port: int, factor: int, routing: Routing
) -> list[_Host]:
    near: list[_Host] = []
    far: dict[str, int] = {}
    for pod in pods:
        gateways = _gateways(mesh, proxy, pod)
        if not gateways:
            near.append(_pod_host(mesh, pod, port, factor))
        elif pod.mtls and routing.tls_mode not in EXPLICIT_TLS:
            for address in gateways:
                far[address] = far.get(address, 0) + factor // len(gateways)
    return [*near, *(_Host(address, weight) for address, weight in sorted(far.items(), key=_by_address))]


def _by_address(item: tuple[str, int]) -> tuple[tuple[int, ...], str]:
    text = item[0].rpartition(":")[0]
    return (tuple(map(int, text.split("."))), item[0]) if text.replace(".", "").isdigit() else ((), item[0])


def _gateways(mesh: Mesh, proxy: Proxy, pod: Pod) -> Sequence[str]:
    home = mesh.by_name[pod.cluster]
    if not home.network or home.network == proxy.network:
        return ()
    if home.gateways:
        return home.gateways
    return [address for other in mesh.clusters if other.network == home.network for address in other.gateways]


def _located(groups: list[_Group], proxy: Proxy, routing: Routing) -> list[_Group]:
    setting = routing.setting
    if not routing.enabled:
        return groups
    if setting.get("distribute"):
        return _distributed(groups, proxy, setting["distribute"])
    if routing.outlier is None:
        return groups
    if setting.get("failoverPriority"):
        groups = _by_labels(groups, proxy, setting["failoverPriority"])
        if not setting.get("failover"):
            return _compacted(groups)
    return _compacted(_failed_over(groups, proxy, setting.get("failover") or []))


def _distributed(groups: list[_Group], proxy: Proxy, entries: Sequence[Mapping[str, Any]]) -> list[_Group]:
    entry = next((item for item in entries if covers(str(item.get("from", "")), proxy.locality)), None)
    if entry is None:
        return groups
    weights: dict[int, int] = {}
    for pattern, percent in (entry.get("to") or {}).items():
        matched = [
            i for i, group in enumerate(groups) if i not in weights and group.weight and covers(pattern, group.locality)
        ]
        whole = sum(groups[i].weight or 0 for i in matched)
        for i in matched:
            weights[i] = -(-(groups[i].weight or 0) * int(percent) // whole)
    return [
        replace(group, weight=weights[i]) if i in weights else replace(group, hosts=())
        for i, group in enumerate(groups)
    ]


def covers(pattern: str, locality: tuple[str, str, str]) -> bool:
    """Whether `region/zone/subzone`, with `*` or missing parts, matches a locality."""
    parts = pattern.split("/")
    return all(part in ("*", value) for part, value in zip(parts, locality, strict=False))


def _failed_over(groups: list[_Group], proxy: Proxy, entries: Sequence[Mapping[str, Any]]) -> list[_Group]:
    region = proxy.locality[0]
    target = next((str(item.get("to", "")) for item in entries if item.get("from") == region), None)
    return [
        replace(group, priority=group.priority * LEVELS_OF_FAILOVER + _distance(group.locality, proxy.locality, target))
        for group in groups
    ]


def _distance(locality: tuple[str, str, str], home: tuple[str, str, str], target: str | None) -> int:
    """0 same subzone, 1 same zone, 2 same region, 3 elsewhere, 4 elsewhere than where failover leads."""
    common = next((i for i in range(3) if locality[i] != home[i]), 3)
    if common:
        return 3 - common
    return 3 if target is None or locality[0] == target else 4


def _by_labels(groups: list[_Group], proxy: Proxy, labels: Sequence[str]) -> list[_Group]:
    wanted = [_wanted(label, proxy) for label in labels]
    result = []
    for group in groups:
        if not group.hosts:
            result.append(group)
            continue
        split: dict[int, list[_Host]] = {}
        for host in group.hosts:
            split.setdefault(len(wanted) - _matches(host, wanted), []).append(host)
        result += [
            _Group(group.locality, tuple(hosts), sum(host.weight for host in hosts), priority)
            for priority, hosts in sorted(split.items())
        ]
    return result


def _wanted(label: str, proxy: Proxy) -> tuple[str, str]:
    key, equals, value = label.partition("=")
    return key, value if equals else proxy.labels.get(key, "")


def _matches(host: _Host, wanted: Sequence[tuple[str, str]]) -> int:
    """How many of the first labels match."""
    labels = host.labels or {}
    for count, (key, value) in enumerate(wanted):
        unnamed = key == NETWORK_LABEL and host.labels is not None and not host.network
        if labels.get(key, "") != value and not unnamed:
            return count
    return len(wanted)


def _compacted(groups: list[_Group]) -> list[_Group]:
    ranks = {priority: rank for rank, priority in enumerate(sorted({group.priority for group in groups}))}
    return [replace(group, priority=ranks[group.priority]) for group in groups]
