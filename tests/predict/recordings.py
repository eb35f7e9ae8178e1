"""What istiod 1.31 gave proxies, as values of the model."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from meshctl.predict.balancing import LocalityEndpoints
from meshctl.predict.endpoints import table
from meshctl.predict.mesh import Mesh, MeshCluster, Pod, Proxy, fqdn, topology_labels
from meshctl.predict.policy import Routing, routing

FOLDER = Path(__file__).parents[1] / "golden/predict"


def recorded(name: str) -> dict[str, Any]:
    """The recording `NAME.json.gz`."""
    found: dict[str, Any] = json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))
    return found


def mesh_of(recording: dict[str, Any]) -> Mesh:
    """The mesh that istiod knew."""
    clusters = (MeshCluster(name, net, tuple(place), tuple(gws)) for name, net, place, gws in recording["clusters"])
    return Mesh(tuple(clusters), tuple(Pod(*fields) for fields in recording["pods"]))


def proxy_of(fields: list[Any], mesh: Mesh) -> Proxy:
    """A proxy that asked; gateways live in the root namespace."""
    cluster, network, place, labels, view = fields
    namespace = "istio-system" if "istio" in labels else "istio"
    return Proxy(cluster, network, tuple(place), topology_labels(mesh.by_name[cluster]) | labels, view, namespace)


def cluster_name(name: str) -> tuple[int, str, str, bool]:
    """Port, subset, host of `outbound|PORT|SUBSET|HOST`; `outbound_.PORT_._.HOST` passes TLS through."""
    if name.startswith("outbound_."):
        port, subset, host = name.removeprefix("outbound_.").split("_.", 2)
        return int(port), subset.rstrip("_"), host, True
    _, port, subset, host = name.split("|")
    return int(port), subset, host, False


def predicted(mesh: Mesh, proxy: Proxy, rules: list[Any], xds_name: str) -> tuple[list[dict[str, Any]], Routing]:
    """The table of one Envoy cluster as the recordings write it, and the settings behind it."""
    port, subset, host, passthrough = cluster_name(xds_name)
    service = host.split(".")[0]
    assert fqdn(service) == host
    settings = routing(rules, host, port, subset, proxy.namespace, proxy.labels, mesh.release)
    return plain(table(mesh, proxy, service, port, settings, passthrough=passthrough)), settings


def plain(groups: tuple[LocalityEndpoints, ...]) -> list[dict[str, Any]]:
    """A table as the recordings write it."""
    return [
        {
            "endpoints": {e.address + ("" if e.healthy else " UNHEALTHY"): e.weight for e in group.endpoints},
            "locality": group.locality,
            "priority": group.priority,
            "weight": group.weight,
        }
        for group in groups
    ]
