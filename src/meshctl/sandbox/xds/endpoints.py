"""Endpoints of each cluster as one proxy reaches them: the answer to EDS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from meshctl import locality
from meshctl.locality import TRAFFIC_DISTRIBUTIONS, Gateway, Group, Host, Setting
from meshctl.sandbox.xds import cluster_patches, outbound, scope
from meshctl.sandbox.xds.hosts import is_address
from meshctl.sandbox.xds.mesh import Mesh
from meshctl.sandbox.xds.message import Json, message, socket_address
from meshctl.sandbox.xds.outbound import Discovery, Outbound
from meshctl.sandbox.xds.peer_authentication import MutualTls
from meshctl.sandbox.xds.proxy import Proxy
from meshctl.sandbox.xds.scope import Scope
from meshctl.sandbox.xds.service import ISTIO_TLS, Endpoint, Health, Labels
from meshctl.sandbox.xds.traffic_policy import tls_mode
from meshctl.sandbox.xds.workloads import augmented

_CANONICAL_NAMES = ("service.istio.io/canonical-name", "app.kubernetes.io/name", "app")
_CANONICAL_REVISIONS = ("service.istio.io/canonical-revision", "app.kubernetes.io/version", "version")


def build(mesh: Mesh, proxy: Proxy) -> dict[str, Json]:
    """The ClusterLoadAssignment of each EDS cluster of a proxy, by cluster name."""
    return of_services(scope.of(mesh, proxy))


def of_services(view: Scope) -> dict[str, Json]:
    """The ClusterLoadAssignments of a scope's services."""
    patches, context = cluster_patches.of(view.mesh, view.proxy), cluster_patches.outward(view.proxy)
    clusters = [cluster for cluster in outbound.clusters(view) if cluster.discovery is Discovery.EDS]
    return {
        cluster.name: assignment(view, cluster) for cluster in clusters if not patches.removes(cluster.name, context)
    }


def assignment(view: Scope, cluster: Outbound) -> Json:
    """The ClusterLoadAssignment of one cluster."""
    return message(
        cluster_name=cluster.name,
        endpoints=[_locality_endpoints(group) for group in groups(view, cluster)],
    )


def groups(view: Scope, cluster: Outbound) -> tuple[Group, ...]:
    """The endpoints of a cluster by locality and priority, in the proxy's eyes."""
    mesh, proxy = view.mesh, view.proxy
    found = locality.grouped(_hosts(view, cluster))
    found = locality.through_gateways(found, proxy.network, mesh.networks, _gateway_host)
    place, labels = _place(mesh, proxy)
    if cluster.sni_dnat:
        found = locality.with_mtls(found)
    return locality.balanced(
        found,
        setting(mesh, cluster),
        place,
        labels,
        outliers=cluster.setting("outlierDetection") is not None,
    )


def setting(mesh: Mesh, cluster: Outbound) -> Setting | None:
    """The locality setting of a cluster; None if it is switched off."""
    distribution = cluster.service.traffic_distribution
    return locality.effective(cluster.setting("loadBalancer"), distribution, mesh.config.raw)


def _place(mesh: Mesh, proxy: Proxy) -> tuple[str, Labels]:
    """A proxy's locality and labels: its pod's if that is known, else what it said itself (Istio xds/ads.go)."""
    pod = mesh.registry.workload(proxy)
    place = (pod.locality if pod else "") or proxy.locality
    labels, node = (pod.own_labels, pod.node) if pod else (proxy.labels, "")
    return place, augmented(labels, proxy.cluster, place, node, proxy.network)


def endpoints_of_port(view: Scope, cluster: Outbound) -> Iterator[Endpoint]:
    """Every endpoint of the cluster's port and subset in the mesh, whoever may see it."""
    wanted = ((cluster.subset or {}).get("labels") or {}).items()
    for endpoint in view.mesh.registry.endpoints_of(cluster.service):
        if endpoint.port_name == cluster.port.name and wanted <= endpoint.labels.items():
            yield endpoint


def _hosts(view: Scope, cluster: Outbound) -> Iterator[tuple[str, Host]]:
    stated = _stated_tls(cluster)
    for endpoint in endpoints_of_port(view, cluster):
        if _is_sent(view, cluster, endpoint):
            yield endpoint.locality, _host(view, endpoint, stated)


def _is_sent(view: Scope, cluster: Outbound, endpoint: Endpoint) -> bool:
    """Whether the proxy is told of an endpoint at all (Istio endpoint_builder.go)."""
    proxy, service = view.proxy, cluster.service
    if not cluster.discovery.is_dns and endpoint.port and not is_address(endpoint.address):
        return False
    if proxy.view and endpoint.network and endpoint.network not in proxy.view:
        return False
    if view.mesh.registry.is_cluster_local(service.hostname) and endpoint.cluster != proxy.cluster:
        return False
    if service.node_local and (endpoint.cluster, endpoint.node) != (proxy.cluster, _node(view)):
        return False
    return _is_healthy_enough(cluster, endpoint)


def _node(view: Scope) -> str:
    pod = view.mesh.registry.workload(view.proxy)
    return pod.node if pod else ""


def _is_healthy_enough(cluster: Outbound, endpoint: Endpoint) -> bool:
    """Unready ones are sent too, unless a panic threshold would send them traffic."""
    if endpoint.health is Health.UNHEALTHY and cluster.service.traffic_distribution not in TRAFFIC_DISTRIBUTIONS:
        return not (cluster.setting("outlierDetection") or {}).get("minHealthPercent")
    return endpoint.health not in (Health.TERMINATING, Health.DRAINING)


def _stated_tls(cluster: Outbound) -> str | None:
    """The TLS mode that the DestinationRule demands: of the subset if it has one, else of the destination."""
    spec: Mapping[str, Any] = cluster.rule.spec if cluster.rule else {}
    own = (cluster.subset or {}).get("trafficPolicy")
    number = cluster.port.number
    return tls_mode(own, number) or tls_mode(spec.get("trafficPolicy"), number)


def _host(view: Scope, endpoint: Endpoint, stated: str | None) -> Host:
    return Host(
        address=f"{endpoint.address}:{endpoint.port}",
        weight=endpoint.weight or 1,
        network=endpoint.network,
        cluster=endpoint.cluster,
        labels=endpoint.labels,
        mtls=endpoint.speaks_mtls and _is_mtls_wanted(view.mesh, endpoint, stated),
        source=endpoint,
    )


def _is_mtls_wanted(mesh: Mesh, endpoint: Endpoint, stated: str | None) -> bool:
    if stated:
        return stated == "ISTIO_MUTUAL"
    policies = mesh.peer_authentications
    return policies.workload_mode(endpoint.namespace, endpoint.labels, endpoint.port) is not MutualTls.DISABLE


def _gateway_host(gateway: Gateway, weight: int) -> Host:
    """A gateway in the place of endpoints; of their labels only network and cluster are left."""
    return Host(
        address=f"{gateway.address}:{gateway.port}",
        weight=weight or 1,
        network=gateway.network,
        cluster=gateway.cluster,
        labels=augmented({}, gateway.cluster, "", "", gateway.network),
        source=gateway,
    )


def _locality_endpoints(group: Group) -> Json:
    region, zone, subzone = (*group.locality.split("/"), "", "")[:3]
    return message(
        locality=message(region=region, zone=zone, sub_zone=subzone),
        lb_endpoints=[_lb_endpoint(host) for host in group.hosts],
        load_balancing_weight=group.weight,
        priority=group.priority or None,
    )


def _lb_endpoint(host: Host) -> Json:
    source = host.source
    health = source.health if isinstance(source, Endpoint) else Health.UNKNOWN
    return message(
        endpoint={"address": _address(source)},
        health_status=None if health is Health.UNKNOWN else health.value,
        load_balancing_weight=host.weight,
        metadata={"filter_metadata": _metadata(host)},
    )


def _address(source: Endpoint | Gateway) -> Json:
    if not source.port and not is_address(source.address):
        return {"pipe": {"path": source.address.removeprefix("unix://")}}
    return socket_address(source.address, source.port)


def _metadata(host: Host) -> Json:
    socket = {"tlsMode": ISTIO_TLS} if host.mtls else None
    fields = {"envoy.transport_socket_match": socket, "istio": {"workload": _workload(host.source)}}
    return {name: value for name, value in fields.items() if value}


def _workload(source: Endpoint | Gateway) -> str:
    """`workload;namespace;canonical name;canonical revision;cluster` (Istio networking/util)."""
    if isinstance(source, Gateway):
        return f";;;;{source.cluster}"
    name = _first(source.labels, _CANONICAL_NAMES) or source.workload
    revision = _first(source.labels, _CANONICAL_REVISIONS)
    shown = "" if revision == "latest" else revision
    return f"{source.workload};{source.namespace};{name};{shown};{source.cluster}"


def _first(labels: Labels, names: Iterable[str]) -> str:
    return next((labels[name] for name in names if labels.get(name)), "")
