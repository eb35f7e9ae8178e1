"""The namespaces of the mesh with the labels that istiod reads."""

from __future__ import annotations

from meshctl.render.flavour import is_course
from meshctl.render.manifest import ISTIO_SYSTEM, Manifest, manifest
from meshctl.topology import NETWORK_LABEL, Cluster, Topology

BOOKINFO = "istio"
CONTROL_PLANE_CLUSTERS = "topology.istio.io/controlPlaneClusters"


def istio_system(topology: Topology, cluster: Cluster) -> Manifest:
    """istio-system: its label names the cluster's network; a remote's annotation, whose istiod may serve it.

    The annotation is Istio 1.31's (multicluster.go); 1.11 has no such thing.
    """
    annotations = {}
    if not cluster.primary and not is_course(topology):
        annotations[CONTROL_PLANE_CLUSTERS] = topology.primary.name
    return manifest("v1", "Namespace", ISTIO_SYSTEM, labels={NETWORK_LABEL: cluster.network}, annotations=annotations)


def bookinfo() -> Manifest:
    """The namespace of Bookinfo, with sidecar injection."""
    return manifest("v1", "Namespace", BOOKINFO, labels={"istio-injection": "enabled"})
