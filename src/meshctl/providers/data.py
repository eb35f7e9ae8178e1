"""What the deploys read from `host.data`: how a host is reached, and what should be on it and in its cluster.

All of it is JSON and nothing of it is secret; keys and tokens are read where they are needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from meshctl.kube.access import Access
from meshctl.providers import certificates
from meshctl.providers.provider import HostData, Provider
from meshctl.render import eastwest, exposure, istio_operator, namespaces, nodes, reader
from meshctl.render.manifest import Manifest, to_yaml
from meshctl.topology import Cluster, Topology, mesh_cidrs, node_pod_cidrs

SYSCTLS = {"net.ipv4.ip_forward": "1"}
OPERATORS = "/etc/meshctl/istio"


def of_hosts(topology: Topology, provider: Provider) -> dict[str, HostData]:
    """The data of every host, by node name."""
    access, kubernetes = provider.access(), provider.kubernetes()
    found = {}
    for cluster, node in topology.nodes:
        data = {**access[node.name], **_host(topology, cluster, kubernetes), **_nothing()}
        if node.control_plane and cluster.name in kubernetes:
            data |= _cluster(topology, cluster, kubernetes, certificates.folder(topology))
        found[node.name] = data
    return found


def _host(topology: Topology, cluster: Cluster, kubernetes: Mapping[str, Access]) -> HostData:
    return {
        "topology": topology.name,
        "cluster": cluster.name,
        "sysctls": SYSCTLS,
        "neighbours": [_neighbour(one, kubernetes) for one in topology.neighbours(cluster)],
        "mesh_cidrs": [str(cidr) for cidr in mesh_cidrs(topology, cluster)],
    }


def _neighbour(cluster: Cluster, kubernetes: Mapping[str, Access]) -> dict[str, Any]:
    """A cluster on the same network: where its services and pods are, and who knows better where its pods are."""
    access = kubernetes.get(cluster.name)
    return {
        "access": asdict(access) if access else None,
        "services": {str(cluster.service_cidr): str(cluster.control_plane.address)} if cluster.service_cidr else {},
        "nodes": {node.name: str(node.address) for node in cluster.nodes},
        "pods": {name: str(cidr) for name, cidr in node_pod_cidrs(cluster).items()},
    }


def _nothing() -> HostData:
    """A node through which its cluster's objects are not changed."""
    lists: HostData = {key: [] for key in ("node_labels", "namespaces", "eastwest", "exposure", "readers", "remotes")}
    return {**lists, "kubernetes": None, "signing": None, "istio_files": {}}


def _cluster(topology: Topology, cluster: Cluster, accesses: Mapping[str, Access], authority: Path) -> HostData:
    remotes = [{"name": one.name, "access": asdict(accesses[one.name])} for one in topology.remotes]
    return {
        "kubernetes": asdict(accesses[cluster.name]),
        "signing": str(authority / cluster.name),
        "node_labels": nodes.labels(cluster),
        "namespaces": [namespaces.istio_system(topology, cluster), namespaces.bookinfo()],
        "istio_files": _files(topology, cluster),
        "eastwest": [eastwest.service(cluster)] if cluster.gateway_addresses else [],
        "exposure": [*exposure.istiod(), *exposure.services()] if cluster.primary else [],
        "readers": [] if cluster.primary else reader.manifests(),
        "remotes": remotes if cluster.primary else [],
    }


def _files(topology: Topology, cluster: Cluster) -> dict[str, str]:
    found: dict[str, Manifest] = {"control-plane": istio_operator.control_plane(topology, cluster)}
    if cluster.gateway_addresses:
        found["eastwest"] = eastwest.operator(topology, cluster)
    return {f"{OPERATORS}/{name}.yaml": to_yaml([one]) for name, one in found.items()}
