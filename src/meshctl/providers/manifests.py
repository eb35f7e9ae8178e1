"""What the Kubernetes deploys read from `host.data` on a cluster's control-plane node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from meshctl.kube.access import Access
from meshctl.render import eastwest, exposure, istio_operator, namespaces, nodes, reader
from meshctl.render.manifest import Manifest, to_yaml
from meshctl.topology import Cluster, Topology

FOLDER = "/etc/meshctl/istio"


def kubernetes_data(
    topology: Topology, cluster: Cluster, accesses: Mapping[str, Access], certificates: Path
) -> dict[str, Any]:
    """Manifests and ways in, as JSON; nothing of it is secret, keys and tokens are read where they are needed."""
    remotes = [{"name": one.name, "access": asdict(accesses[one.name])} for one in topology.remotes]
    return {
        "kubernetes": asdict(accesses[cluster.name]),
        "certificates": str(certificates),
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
    return {f"{FOLDER}/{name}.yaml": to_yaml([one]) for name, one in found.items()}
