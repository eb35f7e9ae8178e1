"""What istiod knows of a mesh as far as endpoints go: clusters with their gateways, pods, and the proxies that ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from meshctl.topology import NETWORK_LABEL, REGION_LABEL, SUBZONE_LABEL, ZONE_LABEL, Locality, Topology

CLUSTER_LABEL = "topology.istio.io/cluster"
GATEWAY_PORT = 15443
NAMESPACE = "istio"
BOOKINFO: Mapping[str, tuple[str, ...]] = {
    "productpage": ("v1",),
    "details": ("v1",),
    "reviews": ("v1", "v2", "v3"),
    "ratings": ("v1",),
}
BOOKINFO_PORT = 9080


@dataclass(frozen=True, slots=True)
class MeshCluster:
    """A cluster as the network filter sees it; an empty network: its system namespace has no label."""

    name: str
    network: str
    locality: tuple[str, str, str]
    gateways: tuple[str, ...] = ()

    @property
    def locality_text(self) -> str:
        """`region/zone/subzone` as istiod writes it: trailing empty parts are left out, "" without any."""
        return "/".join(self.locality).rstrip("/")


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of a service; `ready` False: istiod keeps it as UNHEALTHY; `mtls`: it has a sidecar."""

    service: str
    cluster: str
    address: str
    labels: Mapping[str, str] = field(default_factory=dict)
    ready: bool = True
    mtls: bool = True
    name: str = ""


@dataclass(frozen=True, slots=True)
class Proxy:
    """Who asks for endpoints. `view` is ISTIO_META_REQUESTED_NETWORK_VIEW of an east-west gateway."""

    cluster: str
    network: str
    locality: tuple[str, str, str]
    labels: Mapping[str, str] = field(default_factory=dict)
    view: str | None = None


@dataclass(frozen=True)
class Mesh:
    """Clusters and pods; the order of both is that of the topology."""

    clusters: tuple[MeshCluster, ...]
    pods: tuple[Pod, ...]

    @cached_property
    def by_name(self) -> dict[str, MeshCluster]:
        """Clusters by name."""
        return {cluster.name: cluster for cluster in self.clusters}

    def sidecar(self, cluster: str, labels: Mapping[str, str] | None = None) -> Proxy:
        """A sidecar, or an ingress or egress gateway, in a cluster."""
        home = self.by_name[cluster]
        return Proxy(cluster, home.network, home.locality, topology_labels(home) | dict(labels or {}))

    def eastwest(self, cluster: str) -> Proxy:
        """The east-west gateway of a cluster."""
        home = self.by_name[cluster]
        labels = topology_labels(home) | {"istio": "eastwestgateway"}
        return Proxy(cluster, home.network, home.locality, labels, home.network)


def topology_labels(cluster: MeshCluster) -> dict[str, str]:
    """The labels that istiod adds to every pod's own."""
    region, zone, subzone = cluster.locality
    return {
        REGION_LABEL: region,
        ZONE_LABEL: zone,
        SUBZONE_LABEL: subzone,
        NETWORK_LABEL: cluster.network,
        CLUSTER_LABEL: cluster.name,
    }


def bookinfo(topology: Topology, replicas: Mapping[str, int] | None = None) -> Mesh:
    """The mesh that `up` builds; `replicas` by `service` or `service@cluster` where it isn't one for each version."""
    clusters = tuple(
        MeshCluster(
            cluster.name,
            cluster.network,
            _parts(cluster.locality),
            tuple(f"{address}:{GATEWAY_PORT}" for address in cluster.gateway_addresses),
        )
        for cluster in topology.clusters
    )
    return Mesh(clusters, tuple(_pods([cluster.name for cluster in clusters], replicas or {})))


def _parts(locality: Locality) -> tuple[str, str, str]:
    return (locality.region, locality.zone, locality.subzone)


def _pods(clusters: Sequence[str], replicas: Mapping[str, int]) -> Iterator[Pod]:
    for cluster in clusters:
        for service, versions in BOOKINFO.items():
            count = replicas.get(f"{service}@{cluster}", replicas.get(service, 1))
            for version in versions:
                for number in range(count):
                    # No address is known before Kubernetes gives one: the name stands for it.
                    name = f"{service}-{version}.{cluster}" + (f".{number + 1}" if count > 1 else "")
                    yield Pod(service, cluster, name, {"app": service, "version": version}, name=name)
