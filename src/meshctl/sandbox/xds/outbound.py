"""Which outbound clusters a proxy gets: one for each service port and subset, two at east-west gateways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from meshctl.sandbox.xds import cluster_name, traffic_policy
from meshctl.sandbox.xds.configs import selects
from meshctl.sandbox.xds.destination_rules import Rule
from meshctl.sandbox.xds.hosts import is_wildcard
from meshctl.sandbox.xds.protocol import Protocol
from meshctl.sandbox.xds.proxy import Proxy
from meshctl.sandbox.xds.scope import Scope
from meshctl.sandbox.xds.service import Port, Resolution, Service
from meshctl.sandbox.xds.traffic_policy import Policy


class Discovery(Enum):
    """Where Envoy takes a cluster's endpoints from."""

    EDS = "EDS"
    ORIGINAL_DST = "ORIGINAL_DST"
    STRICT_DNS = "STRICT_DNS"
    LOGICAL_DNS = "LOGICAL_DNS"
    DYNAMIC = "envoy.clusters.dynamic_forward_proxy"

    @property
    def is_dns(self) -> bool:
        """Whether the cluster itself carries host names to resolve."""
        return self in (Discovery.STRICT_DNS, Discovery.LOGICAL_DNS)


@dataclass(frozen=True, slots=True)
class Outbound:
    """One outbound cluster. `policy` is what applies to it, `stated` the policy as its owner wrote it.

    `sni_dnat`: the cluster of an east-west gateway that passes mutual TLS on unopened.
    """

    service: Service
    port: Port
    discovery: Discovery
    rule: Rule | None = None
    subset: Mapping[str, Any] | None = None
    policy: Policy | None = None
    stated: Policy | None = None
    sni_dnat: bool = False

    @property
    def subset_name(self) -> str:
        """The subset's name, empty for the whole service."""
        return self.subset["name"] if self.subset else ""

    @property
    def name(self) -> str:
        """The name of the Envoy cluster."""
        named = cluster_name.sni if self.sni_dnat else cluster_name.outbound
        return named(self.port.number, self.subset_name, self.service.hostname)

    @property
    def sni(self) -> str:
        """The SNI by which an east-west gateway finds this cluster."""
        return cluster_name.sni(self.port.number, self.subset_name, self.service.hostname)

    def setting(self, name: str) -> Mapping[str, Any] | None:
        """One part of the policy, such as `loadBalancer`; None if unset, which an empty part is not."""
        found: Mapping[str, Any] | None = (self.policy or {}).get(name)
        return found


def clusters(scope: Scope) -> Iterator[Outbound]:
    """Every outbound cluster of a proxy."""
    yield from (cluster for service in scope.services for cluster in _of_service(scope, service))
    if passes_tls_through(scope):
        inside = (service for service in scope.services if not service.mesh_external)
        yield from (cluster for service in inside for cluster in _of_service(scope, service, sni_dnat=True))


def passes_tls_through(scope: Scope) -> bool:
    """Whether the proxy is a gateway with an AUTO_PASSTHROUGH server."""
    if scope.proxy.is_sidecar:
        return False
    return any(
        selects(gateway.spec.get("selector"), scope.proxy.labels)
        and any((s.get("tls") or {}).get("mode") == "AUTO_PASSTHROUGH" for s in gateway.spec.get("servers") or ())
        for gateway in scope.mesh.configs.of("Gateway")
    )


def _of_service(scope: Scope, service: Service, *, sni_dnat: bool = False) -> Iterator[Outbound]:
    if service.resolution is Resolution.ALIAS:
        return
    rule = scope.destination_rule(service)
    discovery = _discovery(service, scope.proxy)
    for port in service.ports:
        if port.protocol is not Protocol.UDP:
            yield from _of_port(Outbound(service, port, discovery, rule, sni_dnat=sni_dnat))


def _of_port(cluster: Outbound) -> Iterator[Outbound]:
    spec: Mapping[str, Any] = cluster.rule.spec if cluster.rule else {}
    stated, number = spec.get("trafficPolicy"), cluster.port.number
    whole = _with(cluster, None, traffic_policy.at_port(stated, number), stated)
    yield whole
    if whole.discovery is not Discovery.DYNAMIC:
        for subset in spec.get("subsets") or ():
            own = subset.get("trafficPolicy")
            yield _with(whole, subset, traffic_policy.for_subset(stated, own, number), own)


def _with(cluster: Outbound, subset: Mapping[str, Any] | None, policy: Policy, stated: Policy | None) -> Outbound:
    """The cluster under a policy; a subset of a passed-through service is passed through whatever it says."""
    passthrough = (policy.get("loadBalancer") or {}).get("simple") == "PASSTHROUGH"
    discovery = Discovery.ORIGINAL_DST if passthrough else cluster.discovery
    return replace(cluster, discovery=discovery, subset=subset, policy=policy, stated=stated)


def _discovery(service: Service, proxy: Proxy) -> Discovery:
    """Gateways have no original destination to follow, so that headless services are EDS there."""
    if service.resolution is Resolution.PASSTHROUGH:
        return Discovery.ORIGINAL_DST if proxy.is_sidecar else Discovery.EDS
    if service.resolution is Resolution.DYNAMIC_DNS and is_wildcard(service.hostname):
        return Discovery.DYNAMIC
    by_name = {Resolution.DNS: Discovery.STRICT_DNS, Resolution.DNS_ROUND_ROBIN: Discovery.LOGICAL_DNS}
    return by_name.get(service.resolution, Discovery.EDS)
