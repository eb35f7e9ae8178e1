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
from meshctl.render import bookinfo, eastwest, exposure, ingress, istio_operator, namespaces, nodes, reader
from meshctl.render.manifest import Manifest, to_yaml
from meshctl.topology import Cluster, Topology, mesh_cidrs, node_pod_cidrs

SYSCTLS = {"net.ipv4.ip_forward": "1"}
OPERATORS = "/etc/meshctl/istio"
CONTROL_PLANE, EASTWEST = f"{OPERATORS}/control-plane.yaml", f"{OPERATORS}/eastwest.yaml"


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
        "network": cluster.network,
        "istio_version": topology.istio_version,
        "embedded": topology.provider == "sandbox",
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
    lists: HostData = {key: [] for key in ("node_labels", "namespaces", "exposure", "readers", "remotes", "bookinfo")}
    installs = dict.fromkeys(("istio", "istio-remotes", "eastwest", "eastwest-remotes"))
    return {
        **lists,
        "kubernetes": None,
        "signing": None,
        "istio_files": {},
        "locality": {},
        "installs": installs,
        "external_ips": {},
    }


def _cluster(topology: Topology, cluster: Cluster, accesses: Mapping[str, Access], authority: Path) -> HostData:
    remotes = [{"name": one.name, "access": asdict(accesses[one.name])} for one in topology.remotes]
    return {
        "kubernetes": asdict(accesses[cluster.name]),
        "signing": str(authority / cluster.name),
        "node_labels": nodes.labels(cluster),
        "locality": cluster.locality.labels,
        "namespaces": [namespaces.istio_system(topology, cluster), namespaces.bookinfo()],
        "istio_files": _files(topology, cluster),
        "installs": _installs(cluster),
        "external_ips": {eastwest.NAME: eastwest.external_ips(cluster)["spec"]["externalIPs"]},
        "exposure": [*exposure.istiod(), *exposure.services()] if cluster.primary else [],
        "readers": [] if cluster.primary else reader.manifests(),
        "remotes": remotes if cluster.primary else [],
        "bookinfo": [*bookinfo.manifests(topology), *(ingress.manifests() if cluster.primary else ())],
    }


def _files(topology: Topology, cluster: Cluster) -> dict[str, str]:
    found: dict[str, Manifest] = {CONTROL_PLANE: istio_operator.control_plane(topology, cluster)}
    if cluster.gateway_addresses:
        found[EASTWEST] = eastwest.operator(topology, cluster)
    return {path: to_yaml([one]) for path, one in found.items()}


def _installs(cluster: Cluster) -> dict[str, str | None]:
    """The file that each of the installing steps takes; None where it is not about this cluster."""
    gateway = EASTWEST if cluster.gateway_addresses else None
    return {
        "istio": CONTROL_PLANE if cluster.primary else None,
        "istio-remotes": None if cluster.primary else CONTROL_PLANE,
        "eastwest": gateway if cluster.primary else None,
        "eastwest-remotes": None if cluster.primary else gateway,
    }
