"""The parts that a topology's clusters play in a lab."""

from __future__ import annotations

from dataclasses import dataclass

from meshctl.errors import UsageError
from meshctl.topology import Cluster, Topology


class Unsuitable(UsageError):
    """The topology can't show what a lab teaches; the text says why."""


@dataclass(frozen=True, slots=True)
class Cast:
    """`local`: where requests come in; `near`: the cluster that they fail over to first; `far`: the third."""

    topology: Topology
    local: Cluster
    near: Cluster
    far: Cluster

    @property
    def words(self) -> dict[str, str]:
        """What lab texts call them."""
        parts = {"local": self.local, "near": self.near, "far": self.far}
        regions = {f"{name}_region": cluster.locality.region for name, cluster in parts.items()}
        networks = {f"{name}_network": cluster.network for name, cluster in parts.items()}
        return {**{name: cluster.name for name, cluster in parts.items()}, **regions, **networks}

    @property
    def shared(self) -> bool:
        """Whether near and far stand behind the same gateways, seen from the local cluster."""
        return self.near.network == self.far.network != self.local.network


def cast(topology: Topology) -> Cast:
    """The primary and the first two remote clusters, all in regions of their own; Unsuitable."""
    local = topology.primary
    by_region = {local.locality.region: local}
    for cluster in topology.remotes:
        by_region.setdefault(cluster.locality.region, cluster)
    if len(by_region) < 3:
        raise Unsuitable(
            f"{topology.name} has clusters in {_count(len(by_region))}; "
            f"this lab needs two remote clusters in regions other than that of {local.name} and each other's"
        )
    near, far = list(by_region.values())[1:3]
    closed = [c.name for c in (near, far) if c.network != local.network and not c.gateway_addresses]
    if closed:
        raise Unsuitable(f"{', '.join(closed)}: no east-west gateway, so no request from {local.name} can get there")
    return Cast(topology, local, near, far)


def _count(regions: int) -> str:
    return "one region" if regions == 1 else f"{regions} regions"
