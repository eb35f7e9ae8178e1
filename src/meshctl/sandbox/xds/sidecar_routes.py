"""Route configurations of sidecars: one for each HTTP port, one for each sniffed service port."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from meshctl.sandbox.xds import cluster_name, hash_policy, http_routes
from meshctl.sandbox.xds.configs import Config
from meshctl.sandbox.xds.hosts import is_wildcard, most_specific, overlap
from meshctl.sandbox.xds.message import Json, message
from meshctl.sandbox.xds.place import Place, Site
from meshctl.sandbox.xds.protocol import Protocol
from meshctl.sandbox.xds.scope import EgressListener
from meshctl.sandbox.xds.service import Port, Resolution, Service
from meshctl.sandbox.xds.virtual_hosts import (
    attempt_count,
    bracketed,
    domain_name,
    domains,
    route_configuration,
)
from meshctl.sandbox.xds.virtual_services import MESH_GATEWAY

# Hosts that no registry knows get their virtual hosts here alone, a declared hack of Istio's.
_FALLBACK_PORT = 80


@dataclass(frozen=True, slots=True)
class Group:
    """Routes and whom they are for: services of the registry, and other hosts of their VirtualService."""

    routes: Sequence[Json]
    services: Sequence[Service] = ()
    hosts: Sequence[str] = ()


def shared(site: Site, port: int, hosts: Sequence[Json]) -> Json:
    """The configuration that all HTTP services of a port share; unknown hosts pass through or are refused."""
    return route_configuration(str(port), [*hosts, catch_all(site)])


def sniffed(name: str, by_domain: Mapping[str, Json]) -> Json:
    """The configuration of one sniffed service port, named `host:port`: its listener has no other traffic."""
    found = (by_domain.get(domain) for domain in (name.rpartition(":")[0], name))
    own = {str(host["name"]): host for host in found if host}
    if len(own) == 1:
        own = {key: {**host, "domains": ["*"]} for key, host in own.items()}
    return route_configuration(name, list(own.values()))


def virtual_hosts(site: Site, listener: EgressListener, port: int) -> list[Json]:
    """A virtual host for each service that has the port, by name."""
    services = _services(listener, port)
    groups = list(_groups(site, listener, services, port))
    exact = {name for group in groups for s in group.services for name in _names(s, port)}
    seen: set[str] = set()
    taken: set[str] = set()
    built = []
    for group in groups:
        for host, service in (*((h, None) for h in group.hosts), *((s.hostname, s) for s in group.services)):
            name = domain_name(host, port)
            if name not in seen:
                seen.add(name)
                found = _domains(site, host, service, exact, taken)
                if found:
                    built.append(_virtual_host(site, name, found, group.routes))
    return sorted(built, key=lambda host: str(host["name"]))


def _names(service: Service, port: int) -> tuple[str, str]:
    return domain_name(service.hostname, port), service.hostname


def _virtual_host(site: Site, name: str, names: Sequence[str], routes: Sequence[Json]) -> Json:
    return message(name=name, domains=list(names), routes=list(routes), **attempt_count(site.settings))


def _domains(site: Site, host: str, service: Service | None, exact: set[str], taken: set[str]) -> list[str]:
    """The names that no other virtual host has yet: Envoy refuses a domain that stands twice."""
    names, short = domains(service, site.proxy, site.settings.domain) if service else ([bracketed(host)], [])
    free = []
    for name in names:
        # `foo.com` as a short name of foo.com.cluster.local must not take it from the real foo.com.
        if name.lower() not in taken and not (name in short and name in exact):
            taken.add(name.lower())
            free.append(name)
    return free


def _services(listener: EgressListener, port: int) -> dict[str, Service]:
    """The services that have the port, cut down to it; the name is what routes call them by."""
    return {
        service.hostname.lower(): replace(service, hostname=service.hostname.lower(), ports=(own,))
        for service in listener.services
        for own in service.ports
        if own.number == port and own.protocol is not Protocol.UDP
    }


def _groups(site: Site, listener: EgressListener, services: Mapping[str, Service], port: int) -> Iterator[Group]:
    governed: set[str] = set()
    wildcards = [name for name in services if is_wildcard(name)]
    owners = _owners(listener)
    for config in listener.virtual_services:
        if port == _FALLBACK_PORT or _concerns(config, services, wildcards):
            group = _of_virtual_service(site, owners, config, services, port)
            if group:
                governed.update(service.hostname for service in group.services)
                yield group
    for host, service in services.items():
        if host not in governed and service.resolution is not Resolution.ALIAS:
            only = service.ports[0]
            if _routable(only):
                yield Group([_default_route(site, service, only)], services=[service])


def _routable(port: Port) -> bool:
    return port.protocol.is_http or port.protocol.is_unsupported


def _default_route(site: Site, service: Service, port: Port) -> Json:
    rule = site.rule(service.hostname)
    hashed = None if rule is None else hash_policy.of_service(rule, port.number)
    cluster = cluster_name.outbound(port.number, "", service.hostname)
    operation = f"{domain_name(service.hostname, port.number)}/*"
    return http_routes.default_route(cluster, operation, site.settings, hashed)


def _concerns(config: Config, services: Mapping[str, Service], wildcards: Sequence[str]) -> bool:
    """Whether one of its hosts is, covers or falls under a service that has the port."""
    return any(
        host.lower() in services
        or any(overlap(host.lower(), name) for name in (services if is_wildcard(host) else wildcards))
        for host in config.spec["hosts"]
    )


def _of_virtual_service(
    site: Site, owners: Mapping[str, Config], config: Config, services: Mapping[str, Service], port: int
) -> Group | None:
    routes = http_routes.routes(config, Place(site, port, MESH_GATEWAY, services.get))
    if not routes:
        return None
    own, other = _split(config, owners, services)
    routable = [service for service in own if _routable(service.ports[0])]
    if not routable and port != _FALLBACK_PORT:
        return None
    return Group(routes, routable, other)


def _split(
    config: Config, owners: Mapping[str, Config], services: Mapping[str, Service]
) -> tuple[list[Service], list[str]]:
    """Services that a VirtualService governs, and its hosts that are none."""
    exact = [host for host in config.spec["hosts"] if not is_wildcard(host)]
    own = [services[host.lower()] for host in exact if host.lower() in services]
    other = [host.lower() for host in exact if host.lower() not in services]
    for pattern in (host.lower() for host in config.spec["hosts"] if is_wildcard(host)):
        covered = [service for name, service in services.items() if overlap(name, pattern)]
        own += [service for service in covered if _closest(service.hostname, owners) is config]
        other += [] if covered else [pattern]
    return own, other


def _owners(listener: EgressListener) -> dict[str, Config]:
    """The first VirtualService of each host."""
    owners: dict[str, Config] = {}
    for config in listener.virtual_services:
        for host in config.spec["hosts"]:
            owners.setdefault(host, config)
    return owners


def _closest(hostname: str, owners: Mapping[str, Config]) -> Config | None:
    """The VirtualService whose host fits a service most closely."""
    pattern = most_specific(hostname, owners)
    return owners[pattern] if pattern else None


def catch_all(site: Site) -> Json:
    """What happens to hosts that no service has: the original destination, or 502 under REGISTRY_ONLY."""
    if site.scope.outbound_mode == "ALLOW_ANY":
        action: Json = {"route": message(cluster=egress_cluster(site), timeout="0s", max_grpc_timeout="0s")}
        name = "allow_any"
    else:
        action = {"direct_response": {"status": 502}}
        name = "block_all"
    route = {"name": name, "match": {"prefix": "/"}, **action}
    return message(name=name, domains=["*"], routes=[route], **attempt_count(site.settings))


def egress_cluster(site: Site) -> str:
    """Where unknown traffic goes: as addressed, or to the Sidecar's `egressProxy`, or nowhere."""
    if site.scope.outbound_mode != "ALLOW_ANY":
        return cluster_name.BLACK_HOLE
    spec = site.scope.sidecar.spec if site.scope.sidecar else {}
    proxy = (spec.get("outboundTrafficPolicy") or {}).get("egressProxy")
    if not proxy:
        return cluster_name.PASSTHROUGH
    number = (proxy.get("port") or {}).get("number") or 0
    return cluster_name.outbound(number, proxy.get("subset") or "", proxy.get("host") or "")
