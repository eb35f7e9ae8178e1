"""The gateways through which other networks are reached."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import lcm


@dataclass(frozen=True, slots=True, order=True)
class NetworkGateway:
    """One address of a network's east-west gateway; sorted by address as text, then port."""

    address: str
    port: int
    network: str
    cluster: str


@dataclass(frozen=True, slots=True)
class Networks:
    """All network gateways, indexed (Istio model/network.go).

    `scale` is the least common multiple of the gateway counts per network and per (network, cluster), so that
    a weight divides evenly among them.
    """

    gateways: tuple[NetworkGateway, ...] = ()
    by_network: Mapping[str, tuple[NetworkGateway, ...]] = field(default_factory=dict)
    by_cluster: Mapping[tuple[str, str], tuple[NetworkGateway, ...]] = field(default_factory=dict)
    scale: int = 1

    def towards(self, network: str, cluster: str) -> tuple[NetworkGateway, ...]:
        """The gateways for an endpoint: its cluster's own, else all of its network's."""
        return self.by_cluster.get((network, cluster)) or self.by_network.get(network, ())


def networks(gateways: Iterable[NetworkGateway]) -> Networks:
    """Index gateways; duplicates count once."""
    unique = tuple(sorted(set(gateways)))
    by_network: dict[str, list[NetworkGateway]] = defaultdict(list)
    by_cluster: dict[tuple[str, str], list[NetworkGateway]] = defaultdict(list)
    for gateway in unique:
        by_network[gateway.network].append(gateway)
        by_cluster[gateway.network, gateway.cluster].append(gateway)
    counts = [len(group) for group in (*by_network.values(), *by_cluster.values())]
    return Networks(
        gateways=unique,
        by_network={key: tuple(group) for key, group in by_network.items()},
        by_cluster={key: tuple(group) for key, group in by_cluster.items()},
        scale=lcm(*counts),
    )
