"""Clusters of one proxy: the answer to CDS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meshctl.sandbox.xds import (
    cluster_name,
    cluster_patches,
    connection_pool,
    endpoints,
    http_protocol,
    inbound,
    load_balancer,
    outbound,
    scope,
    upstream_tls,
)
from meshctl.sandbox.xds.cluster_patches import Context, Patches
from meshctl.sandbox.xds.mesh import Mesh
from meshctl.sandbox.xds.message import Json, message, typed
from meshctl.sandbox.xds.outbound import Discovery, Outbound
from meshctl.sandbox.xds.outlier_detection import outlier_detection
from meshctl.sandbox.xds.protocol import Protocol
from meshctl.sandbox.xds.proxy import Proxy
from meshctl.sandbox.xds.scope import Scope
from meshctl.sandbox.xds.service import Service

_DNS_REFRESH = "60s"
_DYNAMIC_PROTOCOLS = (Protocol.HTTP, Protocol.TLS, Protocol.GRPC, Protocol.HTTP2)


def build(mesh: Mesh, proxy: Proxy) -> dict[str, Json]:
    """The clusters of a proxy by name; the first of a name wins."""
    view = scope.of(mesh, proxy)
    patches = cluster_patches.of(mesh, proxy)
    found: dict[str, Json] = {}
    for cluster in _patched(view, patches):
        found.setdefault(cluster["name"], cluster)
    return found


def of_services(view: Scope) -> dict[str, Json]:
    """The outbound clusters of a scope's services alone, for a change that touches nothing else."""
    patches = cluster_patches.of(view.mesh, view.proxy)
    found: dict[str, Json] = {}
    for cluster in _outbound(view):
        for patched in patches.merged(cluster, cluster_patches.outward(view.proxy)):
            found.setdefault(patched["name"], patched)
    return found


def _patched(view: Scope, patches: Patches) -> Iterator[Json]:
    outward = cluster_patches.outward(view.proxy)
    for cluster in (*_outbound(view), *_catch_all(view)):
        yield from patches.merged(cluster, outward)
    yield from patches.added(outward)
    if view.proxy.is_sidecar:
        for cluster, hosts in inbound.clusters(view):
            yield from patches.merged(cluster, Context.SIDECAR_INBOUND, hosts)
        yield from patches.added(Context.SIDECAR_INBOUND)


def _outbound(view: Scope) -> Iterator[Json]:
    for cluster in outbound.clusters(view):
        built = _dynamic(view, cluster) if cluster.discovery is Discovery.DYNAMIC else _cluster(view, cluster)
        if built:
            yield built


def _catch_all(view: Scope) -> Iterator[Json]:
    """Where traffic without a route ends: nowhere, and in a sidecar also at its original destination."""
    config = view.mesh.config
    yield message(
        name=cluster_name.BLACK_HOLE,
        alt_stat_name=f"{cluster_name.BLACK_HOLE};",
        type="STATIC",
        connect_timeout=connection_pool.fields({}, None, config)["connect_timeout"],
    )
    if view.proxy.is_sidecar:
        yield {"name": cluster_name.PASSTHROUGH, **inbound.passthrough(config)}


def _cluster(view: Scope, cluster: Outbound) -> Json | None:
    """An outbound cluster; None for a DNS one without any name to resolve."""
    pool = cluster.setting("connectionPool") or {}
    outliers = cluster.setting("outlierDetection")
    found = _located(view, cluster)
    if found is None:
        return None
    locality = endpoints.setting(view.mesh, cluster)
    return (
        message(
            name=cluster.name,
            alt_stat_name=f"{cluster.name};",
            type=cluster.discovery.value,
            common_lb_config=load_balancer.common(locality, outliers, cluster.service.traffic_distribution),
            outlier_detection=None if outliers is None else outlier_detection(outliers),
            metadata={"filter_metadata": {"istio": metadata(cluster)}},
        )
        | found
        | connection_pool.fields(pool, cluster.setting("retryBudget"), view.mesh.config)
        | _balanced(cluster)
        | _transport(view, cluster)
    )


def _balanced(cluster: Outbound) -> Json:
    if cluster.discovery is not Discovery.ORIGINAL_DST:
        return load_balancer.fields(cluster.setting("loadBalancer") or {})
    # Only a ServiceEntry of resolution NONE redirects to another port; Kubernetes ports always name a target.
    target = cluster.port.target if cluster.service.headless and not cluster.service.kubernetes else 0
    override = {"original_dst_lb_config": {"upstream_port_override": target}} if target else {}
    return {"lb_policy": "CLUSTER_PROVIDED"} | override


def _transport(view: Scope, cluster: Outbound) -> Json:
    """HTTP version and TLS, which depend on each other: the version goes into the ALPN."""
    pool, mesh = cluster.setting("connectionPool") or {}, view.mesh.config
    upgrades = http_protocol.upgrades(cluster.port, pool, mesh_upgrades=mesh.h2_upgrade)
    version = http_protocol.upstream(cluster.port, pool, sniffs=view.proxy.is_sidecar, upgrades=upgrades)
    tls = upstream_tls.of(view, cluster)
    sockets = upstream_tls.fields(cluster, tls, http2=http_protocol.is_http2(version))
    if not cluster.sni_dnat:
        sockets = upstream_tls.proxy_protocol(sockets, cluster.setting("proxyProtocol"))
    automatic = tls.automatic if tls else None
    options = http_protocol.extension(version, http_protocol.common_limits(pool), automatic)
    return sockets | message(typed_extension_protocol_options=options)


def _located(view: Scope, cluster: Outbound) -> Json | None:
    """Where the endpoints come from: EDS, names in the cluster itself, or the original destination."""
    if cluster.discovery is Discovery.EDS:
        source = {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"}
        return {"eds_cluster_config": {"service_name": cluster.name, "eds_config": source}}
    if not cluster.discovery.is_dns:
        return {}
    assignment = endpoints.assignment(view, cluster)
    if not _is_resolvable(cluster, assignment.get("endpoints") or []):
        return None
    return {"load_assignment": assignment} | _resolver(view)


def _is_resolvable(cluster: Outbound, localities: list[Json]) -> bool:
    """Whether there is a name to resolve: Envoy refuses LOGICAL_DNS but with exactly one, which Istio doesn't heed."""
    if cluster.discovery is Discovery.LOGICAL_DNS:
        return len(localities) == 1 and len(localities[0].get("lb_endpoints") or ()) == 1
    return bool(localities)


def _resolver(view: Scope) -> Json:
    cares = typed("envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig", udp_max_queries=100)
    return {
        "dns_lookup_family": _lookup_family(view.proxy),
        "typed_dns_resolver_config": {"name": "envoy.network.dns_resolver.cares", "typed_config": cares},
        "dns_jitter": "0.100s",
        "dns_refresh_rate": view.mesh.config.raw.get("dnsRefreshRate") or _DNS_REFRESH,
        "respect_dns_ttl": True,
    }


def _lookup_family(proxy: Proxy) -> str:
    return "V6_ONLY" if ":" in proxy.address else "V4_ONLY"


def _dynamic(view: Scope, cluster: Outbound) -> Json | None:
    """A wildcard host whose name each request brings (ServiceEntry resolution DYNAMIC_DNS)."""
    if cluster.port.protocol not in _DYNAMIC_PROTOCOLS:
        return None
    cache = {
        "name": f"{cluster.service.hostname}_dfp_dns_cache",
        "dns_lookup_family": _lookup_family(view.proxy),
    }
    config = typed("envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig", dns_cache_config=cache)
    pool = cluster.setting("connectionPool") or {}
    return (
        message(
            name=cluster.name,
            alt_stat_name=f"{cluster.name};",
            lb_policy="CLUSTER_PROVIDED",
            cluster_type={"name": Discovery.DYNAMIC.value, "typed_config": config},
            metadata={"filter_metadata": {"istio": _rule_metadata(cluster)}},
        )
        | connection_pool.fields(pool, cluster.setting("retryBudget"), view.mesh.config)
        | _transport(view, cluster)
    )


def metadata(cluster: Outbound) -> Json:
    """What Istio tells of a cluster: its service, the rule that shaped it, its subset."""
    return {"services": [service_metadata(cluster.service)]} | _rule_metadata(cluster)


def service_metadata(service: Service) -> Json:
    """A service as cluster metadata names it."""
    return inbound.service_metadata(service)


def _rule_metadata(cluster: Outbound) -> Json:
    mode = (cluster.setting("tls") or {}).get("mode")
    overridden = cluster.rule is not None and mode in upstream_tls.ORIGINATING
    external: dict[str, Any] = {"external": True} if cluster.service.mesh_external and not cluster.subset else {}
    return external | message(
        config=cluster.rule.config.path("destination-rule") if cluster.rule else None,
        subset=cluster.subset_name,
        alpn_override="false" if overridden else None,
    )
