"""The endpoint table that istiod gives a proxy of a mesh."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meshctl import locality
from meshctl.locality import Gateway, Gateways, Group, Host
from meshctl.predict.balancing import LbEndpoint, LocalityEndpoints
from meshctl.predict.mesh import Mesh, MeshCluster, Pod, Proxy, topology_labels
from meshctl.predict.policy import EXPLICIT_TLS, Routing


def table(mesh: Mesh, proxy: Proxy, service: str, port: int, routing: Routing) -> tuple[LocalityEndpoints, ...]:
    """The endpoint table of a service's port (targetPort = port) for a proxy, groups sorted by locality."""
    groups = locality.grouped(_hosts(mesh, proxy, service, port, routing))
    reached = locality.through_gateways(groups, proxy.network, known_gateways(mesh.clusters), _gateway_host)
    policy = {"localityLbSetting": routing.setting} if routing.setting else None
    found = locality.balanced(
        reached,
        locality.effective(policy, "", None),
        "/".join(proxy.locality).rstrip("/"),
        proxy.labels,
        routing.outlier is not None,
    )
    return tuple(map(_endpoints, found))


def known_gateways(clusters: Iterable[MeshCluster]) -> Gateways:
    """The east-west gateways that istiod knows; one of an unnamed network is none."""
    return locality.gateways(
        Gateway(*_split(text), cluster.network, cluster.name)
        for cluster in clusters
        if cluster.network
        for text in cluster.gateways
    )


def _split(text: str) -> tuple[str, int]:
    address, _, port = text.rpartition(":")
    return address, int(port)


def _hosts(mesh: Mesh, proxy: Proxy, service: str, port: int, routing: Routing) -> Iterator[tuple[str, Host]]:
    for pod in mesh.pods:
        home = mesh.by_name[pod.cluster]
        chosen = pod.service == service and routing.labels.items() <= pod.labels.items()
        if chosen and (proxy.view is None or home.network in ("", proxy.view)):
            yield home.locality_text, _pod_host(pod, home, port, routing)


def _pod_host(pod: Pod, home: MeshCluster, port: int, routing: Routing) -> Host:
    return Host(
        f"{pod.address}:{port}",
        network=home.network,
        cluster=home.name,
        labels={**topology_labels(home), **pod.labels},
        mtls=pod.mtls and routing.tls_mode not in EXPLICIT_TLS,
        source=pod,
    )


def _gateway_host(gateway: Gateway, weight: int) -> Host:
    return Host(f"{gateway.address}:{gateway.port}", weight, gateway.network, gateway.cluster)


def _endpoints(group: Group) -> LocalityEndpoints:
    hosts = (LbEndpoint(host.address, host.weight, host.source is None or host.source.ready) for host in group.hosts)
    return LocalityEndpoints(group.locality, tuple(hosts), group.weight, group.priority)
