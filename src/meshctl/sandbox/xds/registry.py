"""Services and endpoints of the whole mesh, merged over its clusters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from meshctl.sandbox.xds import service_entries
from meshctl.sandbox.xds.configs import ConfigStore, selects
from meshctl.sandbox.xds.hosts import most_specific
from meshctl.sandbox.xds.identity import in_domains
from meshctl.sandbox.xds.kubernetes import ClusterRegistry
from meshctl.sandbox.xds.mesh_config import MeshConfig
from meshctl.sandbox.xds.proxy import Proxy
from meshctl.sandbox.xds.service import Endpoint, Origin, Resolution, Service, Target
from meshctl.sandbox.xds.workloads import Workload

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Registry:
    """All services, oldest first, and their endpoints and service accounts by (hostname, namespace)."""

    clusters: Mapping[str, ClusterRegistry] = field(default_factory=dict)
    services: tuple[Service, ...] = ()
    by_host: Mapping[str, tuple[Service, ...]] = field(default_factory=dict)
    endpoints: Mapping[Key, tuple[Endpoint, ...]] = field(default_factory=dict)
    accounts: Mapping[Key, tuple[str, ...]] = field(default_factory=dict)
    local_hosts: Mapping[str, bool] = field(default_factory=dict)

    def endpoints_of(self, service: Service) -> tuple[Endpoint, ...]:
        """Every endpoint of every port of a service, in all clusters."""
        return self.endpoints.get(key(service), ())

    def service_accounts(self, service: Service) -> tuple[str, ...]:
        """SPIFFE identities of whoever serves it, in all clusters, sorted."""
        return self.accounts.get(key(service), ())

    def is_cluster_local(self, hostname: str) -> bool:
        """Whether a proxy sees only its own cluster's endpoints (kube-system, kubernetes.default, istiod)."""
        pattern = most_specific(hostname, self.local_hosts)
        return pattern is not None and self.local_hosts[pattern]

    def workload(self, proxy: Proxy) -> Workload | None:
        """The pod that the proxy runs in, by its cluster and address."""
        cluster = self.clusters.get(proxy.cluster)
        return cluster.by_address.get(proxy.address) if cluster else None

    def targets(self, proxy: Proxy) -> tuple[Target, ...]:
        """The service ports that the proxy's workload serves, as its own cluster defines them."""
        cluster = self.clusters.get(proxy.cluster)
        kubernetes = _kubernetes_targets(proxy, cluster, self.workload(proxy)) if cluster else []
        return (*kubernetes, *_external_targets(proxy, self))


def key(service: Service) -> Key:
    """What identifies a service: two namespaces may each define a ServiceEntry for one host."""
    return service.hostname, service.namespace


def _kubernetes_targets(proxy: Proxy, cluster: ClusterRegistry, pod: Workload | None) -> list[Target]:
    labels = pod.own_labels if pod else proxy.labels
    selecting = [
        service
        for service in cluster.services
        if service.namespace == proxy.namespace and service.selector and selects(service.selector, labels)
    ]
    if selecting:
        names = pod.ports if pod else {}
        return [target for service in selecting for target in _targets(service, names)]
    return [
        Target(service, port, endpoint.port)
        for service in cluster.services
        if service.namespace == proxy.namespace
        for endpoint in cluster.endpoints.get(service.hostname, ())
        if endpoint.address == proxy.address and (port := service.port_named(endpoint.port_name))
    ]


def _targets(service: Service, names: Mapping[str, int]) -> list[Target]:
    """One target for each distinct port and protocol of the workload: the first that names it."""
    found: dict[tuple[int, str], Target] = {}
    for port in service.ports:
        number = port.target if isinstance(port.target, int) else names.get(port.target)
        if number:
            found.setdefault((number, port.protocol), Target(service, port, number))
    return list(found.values())


def _external_targets(proxy: Proxy, registry: Registry) -> list[Target]:
    """Ports of the ServiceEntries whose endpoints include the proxy's own address."""
    return [
        Target(service, port, endpoint.port)
        for service in registry.services
        if service.origin is Origin.EXTERNAL and service.namespace == proxy.namespace
        for endpoint in registry.endpoints_of(service)
        if endpoint.address == proxy.address and (port := service.port_named(endpoint.port_name))
    ]


def merge(clusters: Sequence[ClusterRegistry], configs: ConfigStore, config: MeshConfig, primary: str) -> Registry:
    """One registry out of those of the clusters, the primary's first, and the primary's ServiceEntries."""
    ordered = sorted(clusters, key=lambda cluster: (cluster.name != primary, cluster.name))
    pods = tuple(workload for cluster in ordered for workload in cluster.workloads)
    external = tuple(service_entries.services(configs, pods, config, primary))
    kubernetes = _merged_services(ordered)
    services = sorted(
        _with_aliases([*kubernetes, *(service for service, _ in external)]),
        key=lambda service: (service.created, service.name, service.namespace),
    )
    entries = service_entries.workload_entries(configs, config, primary)
    own = [cluster.services for cluster in ordered if cluster.name == primary]
    selected = {s.hostname: tuple(service_entries.selected_entries(s, entries)) for group in own for s in group}
    endpoints = _merged_endpoints(ordered, kubernetes, external, {primary: selected} if entries else {})
    return Registry(
        clusters={cluster.name: cluster for cluster in ordered},
        services=tuple(services),
        by_host=_by_host(services),
        endpoints=endpoints,
        accounts=_accounts(services, endpoints, config.trust_domain_aliases),
        local_hosts=_local_hosts(config),
    )


def _merged_services(clusters: Iterable[ClusterRegistry]) -> list[Service]:
    """The first cluster's definition of a host, with the VIPs and stated service accounts of all."""
    merged: dict[str, Service] = {}
    for cluster in clusters:
        for service in cluster.services:
            seen = merged.get(service.hostname)
            merged[service.hostname] = _merged(seen, service) if seen else service
    return list(merged.values())


def _merged(first: Service, other: Service) -> Service:
    accounts = dict.fromkeys((*first.service_accounts, *other.service_accounts))
    return replace(first, addresses={**other.addresses, **first.addresses}, service_accounts=tuple(accounts))


def _with_aliases(services: Sequence[Service]) -> list[Service]:
    """Services with the names of the ExternalName Services that lead to them, also in several steps."""
    targets = {s.hostname: s.external_name for s in services if s.resolution is Resolution.ALIAS}
    if not targets:
        return list(services)
    aliases: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for service in services:
        end = _alias_end(service.hostname, targets) if service.hostname in targets else None
        if end:
            aliases[end].append((service.namespace, service.hostname))
    return [
        replace(s, aliases=tuple(host for _, host in sorted(aliases[s.hostname]))) if s.hostname in aliases else s
        for s in services
    ]


def _alias_end(host: str, targets: Mapping[str, str]) -> str | None:
    seen = set()
    while host in targets:
        if host in seen:
            return None
        seen.add(host)
        host = targets[host]
    return host


def _merged_endpoints(
    clusters: Iterable[ClusterRegistry],
    kubernetes: Iterable[Service],
    external: Iterable[service_entries.Found],
    selected: Mapping[str, Mapping[str, tuple[Endpoint, ...]]],
) -> dict[Key, tuple[Endpoint, ...]]:
    shards: dict[Key, list[Endpoint]] = defaultdict(list)
    owners = {service.hostname: key(service) for service in kubernetes}
    for cluster in sorted(clusters, key=lambda cluster: cluster.name):
        for host, endpoints in cluster.endpoints.items():
            if host in owners:
                shards[owners[host]] += endpoints
        for host, endpoints in selected.get(cluster.name, {}).items():
            shards[owners[host]] += endpoints
    for service, endpoints in external:
        shards[key(service)] += [e for e in endpoints if e not in shards[key(service)]]
    return {name: tuple(endpoints) for name, endpoints in shards.items()}


def _by_host(services: Iterable[Service]) -> dict[str, tuple[Service, ...]]:
    hosts: dict[str, list[Service]] = defaultdict(list)
    for service in services:
        hosts[service.hostname].append(service)
    return {host: tuple(group) for host, group in hosts.items()}


def _accounts(
    services: Iterable[Service], endpoints: Mapping[Key, Sequence[Endpoint]], aliases: Sequence[str]
) -> dict[Key, tuple[str, ...]]:
    """Identities by service, each also under the mesh's other trust domains (Istio pkg/spiffe)."""
    found: dict[Key, set[str]] = defaultdict(set)
    for service in services:
        found[key(service)].update(service.service_accounts)
        found[key(service)].update(e.service_account for e in endpoints.get(key(service), ()) if e.service_account)
    return {
        name: tuple(sorted({name for account in accounts for name in in_domains(account, aliases)}))
        for name, accounts in found.items()
    }


def _local_hosts(config: MeshConfig) -> dict[str, bool]:
    """Hosts whose endpoints stay within their cluster (Istio model/cluster_local.go)."""
    domain = config.domain
    host = config.discovery_host
    discovery = host if host.endswith(domain) else f"{host}.{domain}"
    defaults = [f"*.kube-system.svc.{domain}", f"kubernetes.default.svc.{domain}", discovery]
    settings = {
        name: bool((setting.get("settings") or {}).get("clusterLocal"))
        for setting in config.service_settings
        for name in setting.get("hosts") or ()
    }
    opened = [name for name, local in settings.items() if not local]
    kept = [host for host in defaults if not any(_undone(host, name) for name in opened)]
    return {**settings, **dict.fromkeys(kept, True)}


def _undone(default: str, name: str) -> bool:
    return name == default or (default.startswith("*") and name.endswith(default[1:]))
