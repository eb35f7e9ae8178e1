"""Everything that `meshctl render` writes: a folder of files to apply by hand, in numbered order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from meshctl.render import (
    bookinfo,
    cacerts,
    eastwest,
    exposure,
    guide,
    ingress,
    istio_operator,
    namespaces,
    nodes,
    routes,
)
from meshctl.render.manifest import Manifest, to_yaml
from meshctl.topology import Cluster, Topology, node_routes

Pems = Mapping[str, Mapping[str, bytes]]


@dataclass(frozen=True, slots=True)
class File:
    """A file of the tree; a secret one is readable by its owner alone. `cluster` is empty for the guide."""

    path: str
    content: str
    cluster: str = ""
    secret: bool = False


def tree(topology: Topology, pems: Pems | None = None) -> list[File]:
    """All files in the order in which they are applied; `pems` by cluster adds the cacerts Secrets."""
    files = [
        *_routes(topology),
        *_each(topology.clusters, "10-node-labels", nodes.labels),
        *_each(topology.clusters, "20-namespaces", lambda c: [namespaces.istio_system(topology, c), _bookinfo()]),
        *_cacerts(pems or {}),
        *_each([topology.primary], "40-istio-primary", lambda c: [istio_operator.control_plane(topology, c)]),
        *_eastwest(topology, [topology.primary], "41-eastwest-primary"),
        *_each([topology.primary], "42-exposure", lambda _: [*exposure.istiod(), *exposure.services()]),
        *_each(topology.remotes, "60-istio-remotes", lambda c: [istio_operator.control_plane(topology, c)]),
        *_eastwest(topology, topology.remotes, "61-eastwest-remotes"),
        *_each(topology.clusters, "70-bookinfo", lambda _: bookinfo.manifests(topology)),
        *_each([topology.primary], "80-ingress", lambda _: ingress.manifests()),
    ]
    return [File("README.md", guide.text(topology, with_secrets=pems is not None)), *files]


def _bookinfo() -> Manifest:
    return namespaces.bookinfo()


def _each(
    clusters: tuple[Cluster, ...] | list[Cluster], folder: str, manifests: Callable[[Cluster], list[Manifest]]
) -> Iterator[File]:
    for cluster in clusters:
        yield File(f"{folder}/{cluster.name}.yaml", to_yaml(manifests(cluster)), cluster.name)


def _routes(topology: Topology) -> Iterator[File]:
    for cluster in topology.clusters:
        wanted = node_routes(topology, cluster)
        if wanted:
            yield File(f"00-routes/{cluster.name}.sh", routes.script(wanted), cluster.name)
            yield File(f"00-routes/{cluster.name}/{routes.UNIT}", routes.unit(topology.name, wanted), cluster.name)


def _cacerts(pems: Pems) -> Iterator[File]:
    for name, pem in pems.items():
        yield File(f"30-cacerts/{name}.yaml", to_yaml([cacerts.secret(pem)]), name, secret=True)


def _eastwest(topology: Topology, clusters: tuple[Cluster, ...] | list[Cluster], folder: str) -> Iterator[File]:
    for cluster in clusters:
        if cluster.gateway_addresses:
            yield File(f"{folder}/{cluster.name}.yaml", to_yaml([eastwest.operator(topology, cluster)]), cluster.name)
            patch = to_yaml([eastwest.external_ips(cluster)])
            yield File(f"{folder}/{cluster.name}.external-ips.yaml", patch, cluster.name)
