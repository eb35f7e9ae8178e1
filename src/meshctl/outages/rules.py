"""Which packets an outage takes on which node, as nftables rules; pure.

What is cut is the traffic of pods and nodes with one another and with clients. What meshctl and the node agents need
stays: SSH and the Kubernetes API from outside the mesh, and nodes' traffic with their own API server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, collapse_addresses

from meshctl.errors import UsageError
from meshctl.outages.outage import Outage
from meshctl.topology import API_PORT, Cluster, Node, Topology, node_pod_cidrs

KUBELET_PORT = 10250
SSH_PORT = 22
# istiod's: xDS in plain text and with TLS, its monitoring, and its webhooks (Istio 1.31, pilot/cmd/pilot-discovery).
ISTIOD_PORTS = (15010, 15012, 15014, 15017)
# After the kernel knows the connection and before it rewrites addresses; leaving: after both.
PRIORITY = "-150"


@dataclass(frozen=True, slots=True)
class Place:
    """A pod as rules need it: its address and the node that it is on."""

    address: str
    node: str


@dataclass(frozen=True, slots=True)
class Chain:
    """Packets at a hook: those that match `spared` stay, those that match `hit` are taken; `arriving` or leaving."""

    hook: str
    hit: tuple[str, ...]
    spared: tuple[str, ...] = ()
    arriving: bool = True


@dataclass(frozen=True, slots=True)
class Arrival:
    """Packets as they come in by a device, the one that has `address` or leads there: where they can be delayed."""

    address: str
    hit: str
    spared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cut:
    """What an outage does on one node."""

    chains: tuple[Chain, ...] = ()
    arrivals: tuple[Arrival, ...] = ()


def cuts(topology: Topology, outage: Outage, pods: Sequence[Place] = ()) -> dict[str, Cut]:
    """What to do on each node concerned, by its name.

    `pods` are those concerned by an outage of a pod or gateway. UsageError if the topology doesn't say enough.
    """
    match outage.kind:
        case "cluster":
            return _cluster(topology, topology.cluster(outage.target))
        case "link":
            return _link(*ends(topology, outage.target))
        case "node":
            return _node(topology, outage.target)
        case "apiserver":
            return _api_server(topology.cluster(outage.target))
        case "istiod":
            return _istiod(topology.primary)
        case "gateway":
            return _merge(_addresses(topology.cluster(outage.target)), _pods(topology, pods))
        case _:
            return _pods(topology, pods)


def ends(topology: Topology, link: str) -> tuple[Cluster, Cluster]:
    """The two clusters of a link; KeyError if it is none."""
    for one in topology.clusters:
        for other in topology.clusters:
            if one != other and link == f"{one.name}-{other.name}":
                return one, other
    raise KeyError(link)


def script(outage: Outage, cut: Cut) -> str:
    """The table that drops packets, as input of `nft -f`; it is there, and empty, also if packets only wait."""
    chains = [_chain(number, chain, outage) for number, chain in enumerate(cut.chains) if _counts(chain, outage)]
    return _table("ip", outage, chains)


def delays(outage: Outage, devices: Iterable[tuple[Arrival, str, str]]) -> str:
    """The table that leads packets into delay lines: each arrival with its device and the line's."""
    chains = [_waiting(number, *one, outage) for number, one in enumerate(devices)]
    return _table("netdev", outage, chains)


def removal(families: Iterable[tuple[str, str]]) -> str:
    """Take away tables, by family and name."""
    return "".join(f"delete table {family} {name}\n" for family, name in families)


def _counts(chain: Chain, outage: Outage) -> bool:
    return outage.cuts or bool(outage.loss and chain.arriving)


def _table(family: str, outage: Outage, chains: Sequence[str]) -> str:
    head = f"table {family} {outage.table}"
    return f"{head}\ndelete {head}\n{head} {{\n{''.join(chains)}}}\n"


def _chain(number: int, chain: Chain, outage: Outage) -> str:
    verdict = "drop" if outage.cuts else f"numgen random mod 10000 < {outage.loss} drop"
    return _block(
        f"c{number}", f"hook {chain.hook} priority {PRIORITY}", chain.spared, [f"{hit} {verdict}" for hit in chain.hit]
    )


def _waiting(number: int, arrival: Arrival, device: str, line: str, outage: Outage) -> str:
    # Where two delays hit the same packet the longer one counts: the hook of the lower number is asked first.
    hook = f'hook ingress device "{device}" priority {-(outage.delay // 1000)}'
    return _block(f"c{number}", hook, arrival.spared, [f'{arrival.hit} fwd to "{line}"'])


def _block(name: str, hook: str, spared: Iterable[str], hit: Iterable[str]) -> str:
    lines = [f"type filter {hook}", *(f"{one} accept" for one in spared), *(one.strip() for one in hit)]
    body = "".join(f"    {line}\n" for line in lines)
    return f"  chain {name} {{\n{body}  }}\n"


def _cluster(topology: Topology, cluster: Cluster) -> dict[str, Cut]:
    inside = _set(_of_cluster(cluster))
    others = _others(topology, [cluster])
    management = _management(cluster, others)
    arriving = Chain("prerouting", ("",), ('iifname "lo"', f"ip saddr {inside}", *management, *_answers(others)))
    leaving = Chain("postrouting", (f"ip daddr {others}",), arriving=False) if others else None
    chains = (arriving, leaving) if leaving else (arriving,)
    return {
        node.name: Cut(chains, (Arrival(str(node.address), "meta protocol ip", (f"ip saddr {inside}", *management)),))
        for node in cluster.nodes
    }


def _node(topology: Topology, name: str) -> dict[str, Cut]:
    cluster, node = next((cluster, node) for cluster, node in topology.nodes if node.name == name)
    inside = _set(_of_node(cluster, node))
    siblings = _set(IPv4Network(one.address) for one in cluster.nodes if one != node)
    mesh = _set(network for one in topology.clusters for network in _of_cluster(one))
    ports = f"{{ {API_PORT}, {KUBELET_PORT} }}"
    kubernetes = [f"tcp dport {ports}", f"tcp sport {ports}"] if siblings else []
    management = _management(cluster, mesh)
    arriving = (f"ip saddr {inside}", *management, *(f"ip saddr {siblings} {one}" for one in kubernetes))
    leaving = (f"ip daddr {inside}", *(f"ip daddr {siblings} {one}" for one in kubernetes))
    chains = (
        Chain("prerouting", ("",), ('iifname "lo"', *arriving, *_answers(mesh))),
        Chain("postrouting", (f"ip daddr {mesh}",), ('oifname "lo"', *leaving), arriving=False),
    )
    return {name: Cut(chains, (Arrival(str(node.address), "meta protocol ip", arriving),))}


def _link(one: Cluster, other: Cluster) -> dict[str, Cut]:
    """On one side's nodes only: what crosses the link crosses them."""
    far = _set(_of_cluster(other))
    arriving, leaving = f"ip saddr {far}", f"ip daddr {far}"
    chains = (Chain("prerouting", (arriving,)), Chain("postrouting", (leaving,), arriving=False))
    return {node.name: Cut(chains, (Arrival(str(node.address), arriving),)) for node in one.nodes}


def _api_server(cluster: Cluster) -> dict[str, Cut]:
    node = cluster.control_plane
    hit = f"tcp dport {API_PORT}"
    chain = Chain("input", (hit,), ('iifname "lo"',))
    return {node.name: Cut((chain,), (Arrival(str(node.address), f"ip daddr {node.address} {hit}"),))}


def _istiod(primary: Cluster) -> dict[str, Cut]:
    ports = f"{{ {', '.join(map(str, ISTIOD_PORTS))} }}"
    pods = _set(_pod_networks(primary))
    chains = (
        Chain("postrouting", (f"ip daddr {pods} tcp dport {ports}",)),
        Chain("postrouting", (f"ip saddr {pods} tcp sport {ports}",), arriving=False),
    )
    return {node.name: Cut(chains, (Arrival(str(node.address), f"tcp dport {ports}"),)) for node in primary.nodes}


def _addresses(cluster: Cluster) -> dict[str, Cut]:
    """The east-west gateway's addresses, on whichever node holds them."""
    if not cluster.gateway_addresses:
        return {}
    chain = Chain("prerouting", (f"ip daddr {_set(map(IPv4Network, cluster.gateway_addresses))}",))
    return {node.name: Cut((chain,)) for node in cluster.nodes}


def _pods(topology: Topology, pods: Sequence[Place]) -> dict[str, Cut]:
    """What is forwarded only: the probes of the pod's own node reach it, and it stays ready."""
    nodes = {node.name: node for _, node in topology.nodes}
    found: dict[str, Cut] = {}
    for pod in pods:
        chains = (
            Chain("forward", (f"ip daddr {pod.address}",)),
            Chain("forward", (f"ip saddr {pod.address}",), arriving=False),
        )
        node = nodes[pod.node]
        # By its own device a pod is heard, not reached: what waits is what it says.
        arrival = Arrival(pod.address, f"ip saddr {pod.address}", (f"ip daddr {node.address}",))
        found = _merge(found, {pod.node: Cut(chains, (arrival,))})
    return found


def _merge(one: Mapping[str, Cut], other: Mapping[str, Cut]) -> dict[str, Cut]:
    none = Cut()
    return {
        name: Cut(
            one.get(name, none).chains + other.get(name, none).chains,
            one.get(name, none).arrivals + other.get(name, none).arrivals,
        )
        for name in {**one, **other}
    }


def _management(cluster: Cluster, mesh: str) -> tuple[str, ...]:
    """SSH and the API, from anywhere but the mesh itself."""
    ports = sorted({SSH_PORT, API_PORT, *(node.ssh.port for node in cluster.nodes if node.ssh.port)})
    stranger = f"ip saddr != {mesh} " if mesh else ""
    return (f"{stranger}tcp dport {{ {', '.join(map(str, ports))} }}",)


def _answers(mesh: str) -> tuple[str, ...]:
    """Answers from the world to what the node itself has asked."""
    return (f"ip saddr != {mesh} ct direction reply",) if mesh else ("ct direction reply",)


def _others(topology: Topology, clusters: Sequence[Cluster]) -> str:
    return _set(network for one in topology.clusters if one not in clusters for network in _of_cluster(one))


def _of_cluster(cluster: Cluster) -> list[IPv4Network]:
    """Every address of a cluster: nodes, gateways, pods and services."""
    single = [*(node.address for node in cluster.nodes), *cluster.gateway_addresses]
    services = [cluster.service_cidr] if cluster.service_cidr else []
    return [*map(IPv4Network, single), *_pod_networks(cluster), *services]


def _of_node(cluster: Cluster, node: Node) -> list[IPv4Network]:
    cidrs = node_pod_cidrs(cluster)
    if node.name not in cidrs:
        raise UsageError(f"node {node.name}: the topology does not say where its pods are; give it `podCIDR`")
    return [IPv4Network(node.address), cidrs[node.name]]


def _pod_networks(cluster: Cluster) -> list[IPv4Network]:
    found = [*([cluster.pod_cidr] if cluster.pod_cidr else []), *node_pod_cidrs(cluster).values()]
    if not found:
        raise UsageError(f"cluster {cluster.name}: the topology does not say where its pods are; give it `podCIDR`")
    return found


def _set(networks: Iterable[IPv4Network] | Iterable[IPv4Address]) -> str:
    """An nftables set without overlaps; empty text if there is nothing."""
    whole = collapse_addresses(IPv4Network(one) for one in networks)
    texts = [str(one).removesuffix("/32") for one in whole]
    return f"{{ {', '.join(texts)} }}" if texts else ""
