"""What istiod knows of a mesh as far as endpoints go: clusters with their gateways, pods, and the proxies that ask."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from meshctl import locality
from meshctl.locality import HOSTNAME_LABEL, Gateway, Gateways
from meshctl.predict.release import CURRENT, Release, release
from meshctl.topology import NETWORK_LABEL, REGION_LABEL, SUBZONE_LABEL, ZONE_LABEL, Locality, Topology

CLUSTER_LABEL = "topology.istio.io/cluster"
GATEWAY_PORT = 15443
NAMESPACE = "istio"
ROOT_NAMESPACE = "istio-system"
BOOKINFO: Mapping[str, tuple[str, ...]] = {
    "productpage": ("v1",),
    "details": ("v1",),
    "reviews": ("v1", "v2", "v3"),
    "ratings": ("v1",),
}
BOOKINFO_PORT = 9080
Place = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class MeshCluster:
    """A cluster as the network filter sees it; an empty network: its system namespace has no label."""

    name: str
    network: str
    locality: Place
    gateways: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()

    @property
    def locality_text(self) -> str:
        """`region/zone/subzone` as istiod writes it: trailing empty parts are left out, "" without any."""
        return place_text(self.locality)


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of a service; `ready` False: istiod keeps it as UNHEALTHY; `mtls`: it has a sidecar.

    Its locality and network are its cluster's unless said otherwise.
    """

    service: str
    cluster: str
    address: str
    labels: Mapping[str, str] = field(default_factory=dict)
    ready: bool = True
    mtls: bool = True
    name: str = ""
    node: str = ""
    locality: Place | None = None
    network: str | None = None

    @property
    def title(self) -> str:
        """What people call it."""
        return self.name or self.address


@dataclass(frozen=True, slots=True)
class Proxy:
    """Who asks for endpoints. `view` is ISTIO_META_REQUESTED_NETWORK_VIEW of an east-west gateway."""

    cluster: str
    network: str
    locality: Place
    labels: Mapping[str, str] = field(default_factory=dict)
    view: str | None = None
    namespace: str = NAMESPACE

    @property
    def is_eastwest(self) -> bool:
        """Whether it passes on TLS connections as they are: nothing is retried, answers aren't seen."""
        return self.view is not None


@dataclass(frozen=True)
class Mesh:
    """Clusters and pods; the order of both is that of the topology."""

    clusters: tuple[MeshCluster, ...]
    pods: tuple[Pod, ...]
    release: Release = CURRENT

    @cached_property
    def by_name(self) -> dict[str, MeshCluster]:
        """Clusters by name."""
        return {cluster.name: cluster for cluster in self.clusters}

    @cached_property
    def by_service(self) -> dict[str, list[Pod]]:
        """Pods by service."""
        found: dict[str, list[Pod]] = defaultdict(list)
        for pod in self.pods:
            found[pod.service].append(pod)
        return found

    @cached_property
    def gateways(self) -> Gateways:
        """The east-west gateways that istiod knows; one of an unnamed network is none."""
        return locality.gateways(
            Gateway(*_split(text), cluster.network, cluster.name)
            for cluster in self.clusters
            if cluster.network
            for text in cluster.gateways
        )

    def place(self, pod: Pod) -> Place:
        """The locality of a pod."""
        return self.by_name[pod.cluster].locality if pod.locality is None else pod.locality

    def network(self, pod: Pod) -> str:
        """The network of a pod."""
        return self.by_name[pod.cluster].network if pod.network is None else pod.network

    def labels(self, pod: Pod) -> dict[str, str]:
        """The labels that istiod sees: the pod's own, and where it runs."""
        node = {HOSTNAME_LABEL: pod.node} if pod.node else {}
        return where_labels(self.place(pod), self.network(pod), pod.cluster) | node | dict(pod.labels)

    def sidecar(self, cluster: str, labels: Mapping[str, str] | None = None) -> Proxy:
        """A sidecar of the course's namespace in a cluster."""
        home = self.by_name[cluster]
        return Proxy(cluster, home.network, home.locality, topology_labels(home) | dict(labels or {}))

    def sidecar_of(self, pod: Pod) -> Proxy:
        """The sidecar of a pod."""
        return Proxy(pod.cluster, self.network(pod), self.place(pod), self.labels(pod))

    def gateway(self, cluster: str, kind: str) -> Proxy:
        """A cluster's `ingress` or `egress` gateway."""
        home = self.by_name[cluster]
        labels = topology_labels(home) | {"istio": f"{kind}gateway", "app": f"istio-{kind}gateway"}
        return Proxy(cluster, home.network, home.locality, labels, namespace=ROOT_NAMESPACE)

    def eastwest(self, cluster: str) -> Proxy:
        """The east-west gateway of a cluster."""
        home = self.by_name[cluster]
        labels = topology_labels(home) | {"istio": "eastwestgateway", "app": "istio-eastwestgateway"}
        return Proxy(cluster, home.network, home.locality, labels, home.network, ROOT_NAMESPACE)


def place_text(place: Place) -> str:
    """`region/zone/subzone`, trailing empty parts left out."""
    return "/".join(place).rstrip("/")


def topology_labels(cluster: MeshCluster) -> dict[str, str]:
    """The labels that istiod adds to every pod's own."""
    return where_labels(cluster.locality, cluster.network, cluster.name)


def where_labels(place: Place, network: str, cluster: str) -> dict[str, str]:
    """Labels of a place."""
    region, zone, subzone = place
    return {
        REGION_LABEL: region,
        ZONE_LABEL: zone,
        SUBZONE_LABEL: subzone,
        NETWORK_LABEL: network,
        CLUSTER_LABEL: cluster,
    }


def fqdn(service: str) -> str:
    """The host of a Bookinfo service."""
    return f"{service}.{NAMESPACE}.svc.cluster.local"


def bookinfo(topology: Topology, replicas: Mapping[str, int] | None = None) -> Mesh:
    """The mesh that `up` builds; `replicas` by `service` or `service@cluster` where it isn't one for each version.

    Which node a pod runs on is the scheduler's to say: here they go round.
    """
    clusters = tuple(
        MeshCluster(
            cluster.name,
            cluster.network,
            _parts(cluster.locality),
            tuple(f"{address}:{GATEWAY_PORT}" for address in cluster.gateway_addresses),
            tuple(node.name for node in cluster.nodes),
        )
        for cluster in topology.clusters
    )
    pods = tuple(pod for cluster in clusters for pod in _pods(cluster, replicas or {}))
    return Mesh(clusters, pods, release(topology.istio_version))


def _split(text: str) -> tuple[str, int]:
    address, _, port = text.rpartition(":")
    return address, int(port)


def _parts(place: Locality) -> Place:
    return (place.region, place.zone, place.subzone)


def _pods(cluster: MeshCluster, replicas: Mapping[str, int]) -> Iterator[Pod]:
    for position, (service, version, number, count) in enumerate(_replicas(cluster.name, replicas)):
        # No address is known before Kubernetes gives one: the name stands for it.
        name = f"{service}-{version}.{cluster.name}" + (f".{number + 1}" if count > 1 else "")
        node = cluster.nodes[position % len(cluster.nodes)] if cluster.nodes else ""
        yield Pod(service, cluster.name, name, {"app": service, "version": version}, name=name, node=node)


def _replicas(cluster: str, replicas: Mapping[str, int]) -> Sequence[tuple[str, str, int, int]]:
    counts = {service: replicas.get(f"{service}@{cluster}", replicas.get(service, 1)) for service in BOOKINFO}
    return [
        (service, version, number, counts[service])
        for service, versions in BOOKINFO.items()
        for version in versions
        for number in range(counts[service])
    ]
