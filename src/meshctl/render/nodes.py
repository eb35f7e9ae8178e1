"""Node labels from which istiod reads where a pod runs."""

from __future__ import annotations

from meshctl.render.manifest import Manifest, manifest
from meshctl.topology import Cluster


def labels(cluster: Cluster) -> list[Manifest]:
    """One patch for each node; `kubectl apply --server-side` adds the labels and owns only them."""
    return [manifest("v1", "Node", node.name, labels=cluster.locality.labels) for node in cluster.nodes]
