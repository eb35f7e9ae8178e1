"""What the mesh is: clusters, nodes, networks and localities, and the facts that follow from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

API_PORT = 6443
REGION_LABEL = "topology.kubernetes.io/region"
ZONE_LABEL = "topology.kubernetes.io/zone"
SUBZONE_LABEL = "topology.istio.io/subzone"
NETWORK_LABEL = "topology.istio.io/network"
NODE_PREFIX = 24


@dataclass(frozen=True, slots=True)
class Locality:
    """Where a cluster stands; `region/zone/subzone`, the later parts may be empty."""

    region: str
    zone: str = ""
    subzone: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.region, self.zone, self.subzone) if part)

    @property
    def labels(self) -> dict[str, str]:
        """Node labels from which istiod reads a pod's locality (Istio 1.31, model.GetLocalityLabel)."""
        pairs = ((REGION_LABEL, self.region), (ZONE_LABEL, self.zone), (SUBZONE_LABEL, self.subzone))
        return {key: value for key, value in pairs if value}


@dataclass(frozen=True, slots=True)
class Ssh:
    """How a host is reached; every field that is None is left to the SSH client's own configuration."""

    host: str | None = None
    port: int | None = None
    user: str | None = None
    key_file: str | None = None
    known_hosts_file: str | None = None

    def over(self, fallback: Ssh) -> Ssh:
        """These settings, with those of `fallback` where none is given."""
        return Ssh(
            self.host or fallback.host,
            self.port or fallback.port,
            self.user or fallback.user,
            self.key_file or fallback.key_file,
            self.known_hosts_file or fallback.known_hosts_file,
        )


@dataclass(frozen=True, slots=True)
class Node:
    """One host. `pod_cidr` is the wanted `Node.spec.podCIDR`; None leaves the choice to Kubernetes."""

    name: str
    address: IPv4Address
    control_plane: bool = False
    pod_cidr: IPv4Network | None = None
    ssh: Ssh = field(default_factory=Ssh)


@dataclass(frozen=True, slots=True)
class Cluster:
    """One Kubernetes cluster of the mesh; `gateway_addresses` are its east-west gateway's external IPs."""

    name: str
    primary: bool
    network: str
    service_cidr: IPv4Network | None
    pod_cidr: IPv4Network | None
    gateway_addresses: tuple[IPv4Address, ...]
    locality: Locality
    nodes: tuple[Node, ...]

    @property
    def control_plane(self) -> Node:
        """The node that serves the Kubernetes API."""
        return next(node for node in self.nodes if node.control_plane)

    @property
    def api_server(self) -> str:
        """URL of the Kubernetes API as the other clusters reach it."""
        return f"https://{self.control_plane.address}:{API_PORT}"


@dataclass(frozen=True, slots=True)
class Kubernetes:
    """Which Kubernetes the hosts get: `embedded` (sandbox), `k3s` or `existing`."""

    distribution: str = "embedded"
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Topology:
    """A whole mesh."""

    name: str
    mesh_id: str
    trust_domain: str
    istio_version: str
    provider: str
    node_network: IPv4Network
    clusters: tuple[Cluster, ...]
    kubernetes: Kubernetes = field(default_factory=Kubernetes)
    ssh: Ssh = field(default_factory=Ssh)

    @property
    def primary(self) -> Cluster:
        """The cluster that runs the control plane."""
        return next(cluster for cluster in self.clusters if cluster.primary)

    @property
    def remotes(self) -> tuple[Cluster, ...]:
        """Every cluster but the primary."""
        return tuple(cluster for cluster in self.clusters if not cluster.primary)

    @property
    def networks(self) -> tuple[str, ...]:
        """Network names in order of first mention."""
        return tuple(dict.fromkeys(cluster.network for cluster in self.clusters))

    @property
    def nodes(self) -> Iterator[tuple[Cluster, Node]]:
        """Every node with its cluster."""
        return ((cluster, node) for cluster in self.clusters for node in cluster.nodes)

    def cluster(self, name: str) -> Cluster:
        """The cluster of that name; KeyError if there is none."""
        for cluster in self.clusters:
            if cluster.name == name:
                return cluster
        raise KeyError(name)

    def neighbours(self, cluster: Cluster) -> tuple[Cluster, ...]:
        """The other clusters on the same network, whose pods are reached without a gateway."""
        return tuple(c for c in self.clusters if c.network == cluster.network and c.name != cluster.name)


@dataclass(frozen=True, slots=True, order=True)
class Route:
    """A static IPv4 route: destination and next hop."""

    destination: IPv4Network
    via: IPv4Address

    def __str__(self) -> str:
        return f"{self.destination} via {self.via}"

    @classmethod
    def parse(cls, text: str) -> Route:
        """The route that `str` wrote; ValueError if it is none."""
        destination, _, via = text.partition(" via ")
        return cls(IPv4Network(destination), IPv4Address(via))


PodCidrs = Mapping[str, IPv4Network]


def node_pod_cidrs(cluster: Cluster) -> dict[str, IPv4Network]:
    """The pod CIDR of each node by name: the stated one, else the next free /24 of the cluster's, in node order.

    The order is that of kube-controller-manager's range allocator (`--node-cidr-mask-size` 24) for nodes that
    register one after another. Empty if the cluster states no pod CIDR.
    """
    stated = {node.name: node.pod_cidr for node in cluster.nodes if node.pod_cidr}
    if cluster.pod_cidr is None:
        return stated
    free = _free_subnets(cluster.pod_cidr, tuple(stated.values()))
    return {node.name: stated.get(node.name) or next(free) for node in cluster.nodes}


def _free_subnets(whole: IPv4Network, taken: tuple[IPv4Network, ...]) -> Iterator[IPv4Network]:
    subnets = whole.subnets(new_prefix=max(NODE_PREFIX, whole.prefixlen))
    return (subnet for subnet in subnets if not any(subnet.overlaps(other) for other in taken))


def node_routes(topology: Topology, cluster: Cluster, live: PodCidrs | None = None) -> tuple[Route, ...]:
    """The routes that every node of `cluster` needs, sorted by destination.

    For each other cluster on the same network: one per node pod CIDR via that node, and the service CIDR via the
    control-plane node. `live` maps node names to `Node.spec.podCIDR`; without it the topology's own are taken.
    """
    routes = []
    for other in topology.neighbours(cluster):
        cidrs = node_pod_cidrs(other) if live is None else live
        routes += [Route(cidrs[node.name], node.address) for node in other.nodes if node.name in cidrs]
        if other.service_cidr:
            routes.append(Route(other.service_cidr, other.control_plane.address))
    return tuple(sorted(routes))


def mesh_cidrs(topology: Topology, cluster: Cluster) -> tuple[IPv4Network, ...]:
    """Pod and service CIDRs of every other cluster, sorted: what a static route of `cluster`'s nodes may lead into."""
    others = (other for other in topology.clusters if other.name != cluster.name)
    return tuple(sorted(cidr for other in others for cidr in (other.pod_cidr, other.service_cidr) if cidr))
