"""Whether a mesh is as `up` left it, as far as labs need it."""

from __future__ import annotations

from collections.abc import Iterator

from meshctl.labs.proxies import of_view
from meshctl.labs.view import EASTWEST, INGRESS, View
from meshctl.mesh.clusters import Survey
from meshctl.mesh.pod import Pod
from meshctl.render.bookinfo import VERSIONS
from meshctl.render.namespaces import BOOKINFO as NAMESPACE
from meshctl.topology import Cluster, Topology

REMEDY = "`meshctl up` mends it"


def faults(topology: Topology, survey: Survey) -> list[str]:
    """What is missing, a line for each."""
    found = [f"{name}: {reason}" for name, reason in survey.silent.items()]
    for cluster in topology.clusters:
        if cluster.name not in survey.silent:
            found += [f"{cluster.name} has no ready {missing}; {REMEDY}" for missing in _missing(cluster, survey)]
    return found


def _missing(cluster: Cluster, survey: Survey) -> Iterator[str]:
    if cluster.primary:
        if not any(_is_ready(pod) for pod in survey.pods if pod.cluster == cluster.name and pod.service == "istiod"):
            yield "istiod"
        if not any(map(_is_ready, of_view(survey.pods, View(INGRESS, cluster.name)))):
            yield "ingress gateway"
    if cluster.gateway_addresses and not any(map(_is_ready, of_view(survey.pods, View(EASTWEST, cluster.name)))):
        yield "east-west gateway"
    here = [pod for pod in survey.pods if pod.cluster == cluster.name and pod.namespace == NAMESPACE]
    for service, versions in VERSIONS.items():
        for version in versions:
            pods = [pod for pod in here if (pod.service, pod.version) == (service, version) and _is_ready(pod)]
            if not pods:
                yield f"pod of {service}-{version}"
            elif not any(pod.has_proxy for pod in pods):
                yield f"pod of {service}-{version} with a sidecar"


def _is_ready(pod: Pod) -> bool:
    return pod.running and pod.ready
