"""The endpoint table that istiod gives a proxy of a mesh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from meshctl import locality
from meshctl.locality import Gateway, Gateways, Group, Host
from meshctl.predict.balancing import LbEndpoint, LocalityEndpoints
from meshctl.predict.mesh import CLUSTER_LABEL, Mesh, Pod, Proxy, place_text
from meshctl.predict.policy import EXPLICIT_TLS, Routing
from meshctl.topology import NETWORK_LABEL


def table(
    mesh: Mesh, proxy: Proxy, service: str, port: int, routing: Routing, *, passthrough: bool = False
) -> tuple[LocalityEndpoints, ...]:
    """The endpoint table of a service's port (targetPort = port) for a proxy, groups sorted by locality.

    `passthrough`: of the cluster `outbound_.PORT_.SUBSET_.HOST`, by which a gateway passes on mutual TLS.
    """
    groups = locality.grouped(_hosts(mesh, proxy, service, port, routing))
    reached = locality.through_gateways(groups, proxy.network, _gateways(mesh, proxy), _gateway_host)
    if passthrough:
        reached = locality.with_mtls(reached)
    place, labels = place_text(proxy.locality), proxy.labels
    found = locality.balanced(reached, routing.setting, place, labels, routing.outlier is not None)
    return tuple(map(_endpoints, found))


def _gateways(mesh: Mesh, proxy: Proxy) -> Gateways:
    known = mesh.gateways
    own = len(known.by_network.get(proxy.network, ()))
    if mesh.release.scales_by_own_network and own:
        return replace(known, scale=max(1, known.scale // own))
    return known


def _hosts(mesh: Mesh, proxy: Proxy, service: str, port: int, routing: Routing) -> Iterator[tuple[str, Host]]:
    for pod in mesh.by_service.get(service, ()):
        visible = proxy.view is None or mesh.network(pod) in ("", proxy.view)
        sent = pod.ready or routing.sends_unready
        if visible and sent and routing.labels.items() <= pod.labels.items():
            yield place_text(mesh.place(pod)), _pod_host(mesh, pod, port, routing)


def _pod_host(mesh: Mesh, pod: Pod, port: int, routing: Routing) -> Host:
    return Host(
        f"{pod.address}:{port}",
        network=mesh.network(pod),
        cluster=pod.cluster,
        labels=mesh.labels(pod) if routing.ranks_labels else {},
        mtls=pod.mtls and routing.tls_mode not in EXPLICIT_TLS,
        source=pod,
    )


def _gateway_host(gateway: Gateway, weight: int) -> Host:
    """Of the labels of the pods behind it only network and cluster are left (Istio 1.31, ep_filters.go)."""
    labels = {NETWORK_LABEL: gateway.network, CLUSTER_LABEL: gateway.cluster}
    return Host(f"{gateway.address}:{gateway.port}", weight or 1, gateway.network, gateway.cluster, labels)


def _endpoints(group: Group) -> LocalityEndpoints:
    hosts = (LbEndpoint(host.address, host.weight, host.source is None or host.source.ready) for host in group.hosts)
    return LocalityEndpoints(group.locality, tuple(hosts), group.weight, group.priority)
