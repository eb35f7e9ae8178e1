"""Istio's locality arithmetic: grouping, network gateways, distribute, failover and zone-aware priorities.

Each step takes groups of hosts and returns groups: `grouped`, `through_gateways`, `balanced`. Behaviour is
that of Istio 1.31.0 (xds/endpoints/ep_filters.go, networking/core/loadbalancer/loadbalancer.go in pilot/pkg).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, lcm
from typing import Any

from meshctl.topology import NETWORK_LABEL, REGION_LABEL, SUBZONE_LABEL, ZONE_LABEL

HOSTNAME_LABEL = "kubernetes.io/hostname"
MAX_WEIGHT = 2**32 - 1
_SAME_ZONE = (NETWORK_LABEL, REGION_LABEL, ZONE_LABEL)
_SAME_NODE = (*_SAME_ZONE, SUBZONE_LABEL, HOSTNAME_LABEL)
TRAFFIC_DISTRIBUTIONS: Mapping[str, tuple[str, ...]] = {
    "PreferClose": _SAME_ZONE,
    "PreferSameZone": _SAME_ZONE,
    "PreferSameNode": _SAME_NODE,
}


@dataclass(frozen=True, slots=True)
class Host:
    """An endpoint as load balancing sees it; `source` is the caller's own value, passed through."""

    address: str
    weight: int = 1
    network: str = ""
    cluster: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    mtls: bool = True
    source: Any = None


@dataclass(frozen=True, slots=True)
class Group:
    """The hosts of one locality and priority. Its weight is None where istiod leaves it unset."""

    locality: str
    hosts: tuple[Host, ...]
    weight: int | None
    priority: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Gateway:
    """One address of a network's east-west gateway; sorted by address as text, then port."""

    address: str
    port: int
    network: str
    cluster: str


@dataclass(frozen=True, slots=True)
class Gateways:
    """All network gateways. `scale` lets every weight divide evenly among those that share it."""

    every: tuple[Gateway, ...] = ()
    by_network: Mapping[str, tuple[Gateway, ...]] = field(default_factory=dict)
    by_cluster: Mapping[tuple[str, str], tuple[Gateway, ...]] = field(default_factory=dict)
    scale: int = 1

    def towards(self, network: str, cluster: str) -> tuple[Gateway, ...]:
        """The gateways for an endpoint: its cluster's own, else all of its network's."""
        return self.by_cluster.get((network, cluster)) or self.by_network.get(network, ())


@dataclass(frozen=True, slots=True)
class Setting:
    """The effective load-balancing setting; `spec` is Istio's, `forced` needs no outlier detection."""

    spec: Mapping[str, Any] = field(default_factory=dict)
    forced: bool = False
    zone_aware: bool = False

    @property
    def enabled(self) -> bool:
        """Whether it is not switched off."""
        return self.spec.get("enabled") is not False


def gateways(known: Iterable[Gateway]) -> Gateways:
    """Index gateways; duplicates count once."""
    by_network: dict[str, list[Gateway]] = defaultdict(list)
    by_cluster: dict[tuple[str, str], list[Gateway]] = defaultdict(list)
    every = tuple(sorted(set(known)))
    for gateway in every:
        by_network[gateway.network].append(gateway)
        by_cluster[gateway.network, gateway.cluster].append(gateway)
    counts = [len(group) for group in (*by_network.values(), *by_cluster.values())]
    return Gateways(
        every=every,
        by_network={key: tuple(group) for key, group in by_network.items()},
        by_cluster={key: tuple(group) for key, group in by_cluster.items()},
        scale=lcm(*counts),
    )


def grouped(hosts: Iterable[tuple[str, Host]]) -> tuple[Group, ...]:
    """Hosts by locality `region/zone/subzone`, sorted by it; those without one share the group ""."""
    found: dict[str, list[Host]] = defaultdict(list)
    for locality, host in hosts:
        found[locality].append(host)
    return tuple(Group(locality, tuple(found[locality]), _total(found[locality])) for locality in sorted(found))


def _total(hosts: Iterable[Host]) -> int:
    return min(sum(host.weight for host in hosts), MAX_WEIGHT)


def through_gateways(
    groups: Iterable[Group],
    network: str,
    known: Gateways,
    host_of: Callable[[Gateway, int], Host],
) -> tuple[Group, ...]:
    """Groups as a proxy of `network` reaches them, hosts of other networks behind their gateways.

    `host_of` makes the host that stands for a gateway with a weight. Without any gateway nothing changes.
    """
    if not known.by_network:
        return tuple(groups)
    return tuple(_reached(group, network, known, host_of) for group in groups)


def _reached(group: Group, network: str, known: Gateways, host_of: Callable[[Gateway, int], Host]) -> Group:
    direct: list[Host] = []
    weights: dict[Gateway, int] = defaultdict(int)
    for host in group.hosts:
        scaled = min((host.weight or 1) * known.scale, MAX_WEIGHT)
        towards = known.towards(host.network, host.cluster)
        if not towards or host.network in ("", network):
            direct.append(replace(host, weight=scaled))
        elif host.mtls:
            for gateway in towards:
                weights[gateway] += scaled // len(towards)
    hosts = (*direct, *(host_of(gateway, weights[gateway]) for gateway in sorted(weights)))
    return _reweighed(group, hosts)


def with_mtls(groups: Iterable[Group]) -> tuple[Group, ...]:
    """Groups with only the hosts that speak mutual TLS; a group left without any stays, unweighted."""
    return tuple(_reweighed(group, tuple(host for host in group.hosts if host.mtls)) for group in groups)


def _reweighed(group: Group, hosts: tuple[Host, ...]) -> Group:
    return replace(group, hosts=hosts, weight=_total(hosts) if hosts else None)


def effective(
    policy: Mapping[str, Any] | None,
    traffic_distribution: str,
    mesh: Mapping[str, Any] | None,
) -> Setting | None:
    """The setting that applies: the policy's, else the Service's, else the mesh's; None if off.

    `policy` is a `loadBalancer`, `mesh` a `meshConfig`; where none says anything, locality balancing is on.
    """
    found = _stated(policy) or _preferred(traffic_distribution) or _stated(mesh) or Setting({"enabled": True})
    return found if found.enabled or found.zone_aware else None


def _stated(owner: Mapping[str, Any] | None) -> Setting | None:
    zone_aware = (owner or {}).get("zoneAwareLbSetting")
    if zone_aware is not None:
        return Setting(zone_aware, forced=zone_aware.get("enabled") is not False, zone_aware=True)
    locality = (owner or {}).get("localityLbSetting")
    return None if locality is None else Setting(locality)


def _preferred(traffic_distribution: str) -> Setting | None:
    labels = TRAFFIC_DISTRIBUTIONS.get(traffic_distribution)
    return Setting({"failoverPriority": list(labels)}, forced=True) if labels else None


def balanced(
    groups: Sequence[Group],
    setting: Setting | None,
    locality: str,
    labels: Mapping[str, str],
    outliers: bool,
) -> tuple[Group, ...]:
    """Groups with the weights and priorities that a proxy of that locality and labels gives them.

    `outliers`: whether outlier detection is configured, without which nothing fails over unless forced.
    """
    spec = setting.spec if setting else {}
    if setting is None or not setting.enabled:
        return tuple(groups)
    if setting.zone_aware:
        ranked = _by_labels(groups, labels, spec.get("failoverPriority") or ())
        return _by_region(ranked, locality, spec.get("failover") or ())
    if spec.get("distribute"):
        return _distributed(groups, locality, spec["distribute"])
    if not (outliers or setting.forced):
        return tuple(groups)
    priority_labels, failover = spec.get("failoverPriority") or (), spec.get("failover") or ()
    ranked = _by_labels(groups, labels, priority_labels)
    return ranked if priority_labels and not failover else _by_locality(ranked, locality, failover)


def _distributed(groups: Sequence[Group], locality: str, entries: Iterable[Mapping[str, Any]]) -> tuple[Group, ...]:
    entry = next((entry for entry in entries if matches(locality, entry.get("from") or "")), None)
    if entry is None:
        return tuple(groups)
    shares = dict(_shares(groups, entry.get("to") or {}))
    return tuple(
        replace(group, weight=shares[index]) if index in shares else replace(group, hosts=())
        for index, group in enumerate(groups)
    )


def _shares(groups: Sequence[Group], to: Mapping[str, int]) -> Iterator[tuple[int, int | None]]:
    """New weights by index: the groups of a destination share its percentage by their old weights."""
    left = list(range(len(groups)))
    for destination, percent in to.items():
        matched = [index for index in left if matches(groups[index].locality, destination)]
        left = [index for index in left if index not in matched]
        old = {index: 1 if (weight := groups[index].weight) is None else weight for index in matched}
        total = sum(old.values())
        for index, weight in old.items():
            share = ceil(weight * percent / total) if total else 0
            yield index, share or groups[index].weight


def matches(locality: str, pattern: str) -> bool:
    """Whether a locality fits `region/zone/subzone` of a rule, where `*` and absent parts fit all."""
    actual, wanted = _parts(locality), _parts(pattern)
    return wanted[0] in ("*", actual[0]) and all(
        part in ("*", "", own) for part, own in zip(wanted[1:], actual[1:], strict=True)
    )


def _parts(locality: str) -> tuple[str, str, str]:
    region, zone, subzone = (*locality.split("/"), "", "")[:3]
    return region, zone, subzone


def _by_locality(groups: Sequence[Group], locality: str, failover: Sequence[Mapping[str, str]]) -> tuple[Group, ...]:
    """Priority 0 same subzone, 1 zone, 2 region, 3 elsewhere; 4 elsewhere than where failover leads."""
    region = _parts(locality)[0]
    entry = next((entry for entry in failover if entry.get("from") == region), None)

    def rank(group: Group) -> int:
        shared = _shared_parts(locality, group.locality)
        if shared or entry is None:
            return 3 - shared
        return 3 if _parts(group.locality)[0] == entry.get("to", "") else 4

    return _compacted(tuple(replace(group, priority=group.priority * 5 + rank(group)) for group in groups))


def _shared_parts(one: str, other: str) -> int:
    pairs = list(zip(_parts(one), _parts(other), strict=True))
    return next((index for index, (left, right) in enumerate(pairs) if left != right), 3)


def _by_region(groups: Sequence[Group], locality: str, failover: Sequence[Mapping[str, str]]) -> tuple[Group, ...]:
    """Zone-aware: priority 0 the proxy's region, 1 where failover leads, 2 the others."""
    region = _parts(locality)[0]
    entry = next((entry for entry in failover if entry.get("from") == region), None)
    wanted = entry.get("to", "") if entry else None

    def rank(group: Group) -> int:
        other = _parts(group.locality)[0]
        return 0 if other == region else 1 if other == wanted else 2

    return _compacted(tuple(replace(group, priority=group.priority * 3 + rank(group)) for group in groups))


def _by_labels(groups: Sequence[Group], labels: Mapping[str, str], wanted: Sequence[str]) -> tuple[Group, ...]:
    """Groups split by how many labels, in order, each host shares with the proxy (failoverPriority)."""
    if not wanted or not labels:
        return tuple(groups)
    pairs = [(name, given if sep else labels.get(name, "")) for name, sep, given in (w.partition("=") for w in wanted)]
    return _compacted(tuple(part for group in groups for part in _split(group, pairs)))


def _split(group: Group, pairs: Sequence[tuple[str, str]]) -> Iterator[Group]:
    ranks: dict[int, list[Host]] = defaultdict(list)
    for host in group.hosts:
        ranks[_label_rank(host, pairs)].append(host)
    for rank in sorted(ranks):
        yield Group(group.locality, tuple(ranks[rank]), _total(ranks[rank]), rank)


def _label_rank(host: Host, pairs: Sequence[tuple[str, str]]) -> int:
    """0 if all labels match, else how many are left from the first that does not.

    A foreign network as the first label only adds the number of labels: the others still count.
    """
    adjustment = 0
    for index, (name, value) in enumerate(pairs):
        if host.labels.get(name, "") != value:
            if index == 0 and name == NETWORK_LABEL:
                adjustment = len(pairs)
                continue
            return len(pairs) - index + adjustment
    return adjustment


def _compacted(groups: tuple[Group, ...]) -> tuple[Group, ...]:
    """The same order of priorities, numbered from 0 without gaps."""
    numbers = {priority: index for index, priority in enumerate(sorted({g.priority for g in groups}))}
    return tuple(replace(group, priority=numbers[group.priority]) for group in groups)
