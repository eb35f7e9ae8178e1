"""What must hold between the parts of a topology: unique names, disjoint CIDRs, one primary, reachable pods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations

from meshctl.topology import NODE_PREFIX, Cluster, Kubernetes, Topology
from meshctl.validate.build import UNKNOWN_ADDRESS, is_unknown
from meshctl.validate.document import Fault, Keys, path

COURSE_MINOR = 11
OLDEST_MINOR = 22
NEWEST_MINOR = 31


def faults(topology: Topology) -> Iterator[Fault]:
    """Every contradiction, as the path of the value to change and what is wrong with it."""
    yield from _istio(topology.istio_version)
    yield from _distribution(topology)
    yield from _names(topology)
    yield from _roles(topology)
    yield from _node_network(topology)
    yield from _addresses(topology)
    yield from _cidrs(topology)
    for number, cluster in enumerate(topology.clusters):
        yield from _pod_cidrs(cluster, ("clusters", number))
    yield from _reachability(topology)


def _istio(version: str) -> Iterator[Fault]:
    minor = int(version.split(".")[1])
    if minor != COURSE_MINOR and not OLDEST_MINOR <= minor <= NEWEST_MINOR:
        allowed = f"1.{COURSE_MINOR}.x (the course's way) or 1.{OLDEST_MINOR}.x to 1.{NEWEST_MINOR}.x (today's way)"
        yield ("istio", "version"), f"is {version}; expected {allowed}"


def _distribution(topology: Topology) -> Iterator[Fault]:
    embedded = topology.kubernetes == Kubernetes()
    if (topology.provider == "sandbox") != (topology.kubernetes.distribution == "embedded"):
        expected = "embedded" if topology.provider == "sandbox" else "k3s or existing"
        seen = topology.kubernetes.distribution
        yield (
            ("kubernetes", "distribution"),
            f"is {seen}; expected {expected} with provider {topology.provider}",
        )
    elif topology.provider == "sandbox" and not embedded:
        yield (
            ("kubernetes", "version"),
            "is set; the sandbox's Kubernetes is embedded and has no version to choose",
        )


def _names(topology: Topology) -> Iterator[Fault]:
    yield from _duplicates("cluster name", ((c.name, ("clusters", i, "name")) for i, c in enumerate(topology.clusters)))
    yield from _duplicates(
        "node name",
        (
            (node.name, ("clusters", i, "nodes", j, "name"))
            for i, cluster in enumerate(topology.clusters)
            for j, node in enumerate(cluster.nodes)
        ),
    )


def _duplicates(noun: str, values: Iterable[tuple[object, Keys]]) -> Iterator[Fault]:
    first: dict[object, Keys] = {}
    for value, keys in values:
        if is_unknown(value):
            continue
        if value in first:
            yield keys, f"{value} is used twice as {noun}, first at {path(first[value])}; expected each once"
        first.setdefault(value, keys)


def _roles(topology: Topology) -> Iterator[Fault]:
    primaries = [i for i, cluster in enumerate(topology.clusters) if cluster.primary]
    if not primaries:
        yield ("clusters",), "no cluster is primary; expected exactly one with role: primary"
    for i in primaries[1:]:
        first = topology.clusters[primaries[0]].name
        yield (
            ("clusters", i, "role"),
            f"a second primary beside {first}; expected exactly one, the others remote",
        )
    for i, cluster in enumerate(topology.clusters):
        serving = [j for j, node in enumerate(cluster.nodes) if node.control_plane]
        for j in serving[1:]:
            other = cluster.nodes[serving[0]].name
            yield (
                ("clusters", i, "nodes", j, "role"),
                f"a second control-plane beside {other}; expected one a cluster",
            )


def _node_network(topology: Topology) -> Iterator[Fault]:
    network = topology.node_network
    if is_unknown(network):
        return
    if not _routable(network):
        yield ("nodeNetwork",), f"is {network}; expected a network of ordinary unicast addresses"
    if network.prefixlen > 30:
        yield (
            ("nodeNetwork",),
            f"is {network}, too small for hosts and gateways; expected a prefix of at most 30",
        )


def _routable(network: IPv4Network) -> bool:
    special = ("127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "0.0.0.0/8")
    return not any(network.overlaps(IPv4Network(item)) for item in special)


def _placed_addresses(topology: Topology) -> Iterator[tuple[IPv4Address, Keys]]:
    for i, cluster in enumerate(topology.clusters):
        for j, node in enumerate(cluster.nodes):
            yield node.address, ("clusters", i, "nodes", j, "address")
        several = len(cluster.gateway_addresses) > 1
        for k, address in enumerate(cluster.gateway_addresses):
            yield address, ("clusters", i, "gateway", k) if several else ("clusters", i, "gateway")


def _addresses(topology: Topology) -> Iterator[Fault]:
    network = topology.node_network
    yield from _duplicates("address", _placed_addresses(topology))
    for address, keys in _placed_addresses(topology):
        if UNKNOWN_ADDRESS in (address, network.network_address):
            continue
        if address not in network:
            yield keys, f"{address} is outside nodeNetwork {network}; expected an address inside it"
        elif address in (network.network_address, network.broadcast_address) and network.prefixlen < 31:
            yield keys, f"{address} is the network or broadcast address of {network}; expected a host address"


def _cidrs(topology: Topology) -> Iterator[Fault]:
    placed: list[tuple[str, IPv4Network, Keys]] = [("nodeNetwork", topology.node_network, ("nodeNetwork",))]
    if is_unknown(topology.node_network):
        placed = []
    for i, cluster in enumerate(topology.clusters):
        for key, cidr in (("podCIDR", cluster.pod_cidr), ("serviceCIDR", cluster.service_cidr)):
            if cidr:
                placed.append((f"{key} of {cluster.name}", cidr, ("clusters", i, key)))
    for _, cidr, keys in placed:
        if keys != ("nodeNetwork",) and not _routable(cidr):
            yield keys, f"{cidr} can't be routed; expected ordinary unicast addresses, best from 10.0.0.0/8"
    for index, other in _overlaps([cidr for _, cidr, _ in placed]):
        name, cidr, _ = placed[other]
        _, later, keys = placed[index]
        yield keys, f"{later} overlaps {name} ({cidr}); expected disjoint CIDRs"


def _overlaps(cidrs: list[IPv4Network]) -> Iterator[tuple[int, int]]:
    """Pairs (later, earlier) of positions whose CIDRs overlap, in n log n unless most of them do."""
    order = sorted(range(len(cidrs)), key=lambda i: (int(cidrs[i].network_address), cidrs[i].prefixlen))
    open_: list[int] = []
    for i in order:
        # CIDRs nest or are disjoint, so what is still open encloses this one.
        while open_ and not cidrs[open_[-1]].overlaps(cidrs[i]):
            open_.pop()
        for j in open_:
            yield max(i, j), min(i, j)
        open_.append(i)


def _pod_cidrs(cluster: Cluster, keys: Keys) -> Iterator[Fault]:
    whole = cluster.pod_cidr
    stated = [(j, node.pod_cidr) for j, node in enumerate(cluster.nodes) if node.pod_cidr]
    for j, cidr in stated:
        if whole is None:
            yield (
                (*keys, "podCIDR"),
                f"is missing, but node {cluster.nodes[j].name} has one; expected the cluster's too",
            )
        elif not cidr.subnet_of(whole):
            yield (*keys, "nodes", j, "podCIDR"), f"{cidr} is outside podCIDR {whole} of {cluster.name}"
    for (_, one), (j, two) in combinations(stated, 2):
        if one.overlaps(two):
            yield (
                (*keys, "nodes", j, "podCIDR"),
                f"{two} overlaps {one} of another node; expected disjoint CIDRs",
            )
    if whole is not None:
        yield from _capacity(cluster, whole, keys)


def _capacity(cluster: Cluster, whole: IPv4Network, keys: Keys) -> Iterator[Fault]:
    size = max(NODE_PREFIX, whole.prefixlen)
    stated = [node.pod_cidr for node in cluster.nodes if node.pod_cidr]
    wanted = len(cluster.nodes) - len(stated)
    free = 2 ** (size - whole.prefixlen) - sum(2 ** max(0, size - cidr.prefixlen) for cidr in stated)
    if whole.prefixlen > NODE_PREFIX and len(cluster.nodes) > len(stated):
        free = 1 - len(stated)
    if wanted > max(free, 0):
        needed = f"{len(cluster.nodes)} nodes with a /{NODE_PREFIX} each"
        yield (*keys, "podCIDR"), f"{whole} is too small for {needed}; expected a shorter prefix"


def _reachability(topology: Topology) -> Iterator[Fault]:
    for i, cluster in enumerate(topology.clusters):
        neighbours = ", ".join(other.name for other in topology.neighbours(cluster))
        if cluster.pod_cidr is None and (neighbours or topology.provider == "sandbox"):
            reason = (
                f"pods of {cluster.network} are routed to and from {neighbours}"
                if neighbours
                else "the sandbox sets it"
            )
            yield ("clusters", i, "podCIDR"), f"is missing: {reason}; expected a routable CIDR"
    gatewayed = {cluster.network for cluster in topology.clusters if cluster.gateway_addresses}
    if len(topology.networks) > 1:
        for network in topology.networks:
            if network not in gatewayed and not is_unknown(network):
                i = next(i for i, cluster in enumerate(topology.clusters) if cluster.network == network)
                yield (
                    ("clusters", i, "gateway"),
                    f"is missing: no cluster of {network} has an east-west gateway, so other networks can't reach it; "
                    "expected at least one",
                )
    if topology.remotes and any(c.primary for c in topology.clusters) and not topology.primary.gateway_addresses:
        i = next(i for i, cluster in enumerate(topology.clusters) if cluster.primary)
        if topology.primary.network in gatewayed or len(topology.networks) == 1:
            yield (
                ("clusters", i, "gateway"),
                "is missing: remote clusters reach the primary's control plane through it",
            )
