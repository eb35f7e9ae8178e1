"""Route configurations of gateways: one for all plain HTTP servers of a port, one for each HTTPS server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from meshctl.sandbox.xds import gateway_servers, http_routes, virtual_services
from meshctl.sandbox.xds.configs import Config
from meshctl.sandbox.xds.gateway_servers import Server
from meshctl.sandbox.xds.hosts import specificity, subset_of
from meshctl.sandbox.xds.message import Json, message
from meshctl.sandbox.xds.place import Place, Site
from meshctl.sandbox.xds.route_match import is_catch_all
from meshctl.sandbox.xds.scope import is_visible
from meshctl.sandbox.xds.service import Service
from meshctl.sandbox.xds.virtual_hosts import attempt_count, domain_name, route_configuration


@dataclass(slots=True)
class Host:
    """A virtual host while the servers that share it add their routes."""

    name: str
    domains: list[str]
    routes: list[Json] = field(default_factory=list)
    https_only: bool = False


def build(site: Site) -> dict[str, Json]:
    """The route configurations of every HTTP server that selects the gateway (Istio core/gateway.go)."""
    servers = gateway_servers.of(site.mesh, site.proxy)
    return {name: _configuration(site, name, group) for name, group in servers.by_route.items()}


def _configuration(site: Site, name: str, servers: Sequence[Server]) -> Json:
    hosts = _hosts(site, servers)
    if not hosts:
        # Without routes Envoy answers 404 with flag NR.
        blackhole = {"name": domain_name("blackhole", servers[0].number), "domains": ["*"]}
        return route_configuration(name, [blackhole])
    built = [_virtual_host(host, site) for host in _collapsed(hosts)]
    return route_configuration(name, sorted(built, key=lambda host: str(host["name"])))


def _virtual_host(host: Host, site: Site) -> Json:
    last = [route for route in host.routes if is_catch_all(route["match"])]
    routes = [route for route in host.routes if not is_catch_all(route["match"])] + last
    return message(
        name=host.name,
        domains=host.domains,
        routes=routes,
        require_tls="ALL" if host.https_only else None,
        **attempt_count(site.settings),
    )


def _hosts(site: Site, servers: Sequence[Server]) -> dict[str, Host]:
    """Virtual hosts by name: where a server and the VirtualServices of its Gateway meet."""
    found: dict[str, Host] = {}
    known: dict[tuple[str, str, str], list[Json]] = {}
    for server in servers:
        for config, names in _bound(site, server):
            # Routes once built for a Gateway serve its other servers too, whatever their port.
            key = (server.gateway, config.namespace, config.name)
            if not known.get(key):
                known[key] = http_routes.routes(config, _place(site, server, config))
            for name in names if known[key] else ():
                _add(found, name, server, known[key])
        for name in server.hosts if server.redirects_to_https else ():
            _add(found, name.lower(), server, [])
    return found


def _add(found: dict[str, Host], name: str, server: Server, routes: Sequence[Json]) -> None:
    host = found.setdefault(name, Host(domain_name(name, server.number), [name]))
    host.routes.extend(routes)
    host.https_only = host.https_only or server.redirects_to_https


def _bound(site: Site, server: Server) -> Iterator[tuple[Config, list[str]]]:
    bound = virtual_services.bound_to(site.mesh.virtual_services, server.gateway, site.proxy.namespace, site.settings)
    for config in bound:
        names = _common_hosts(_server_hosts(server, config.namespace), config.spec["hosts"])
        if names:
            yield config, [name.lower() for name in names]


def _server_hosts(server: Server, namespace: str) -> list[str]:
    """The server's hosts that VirtualServices of a namespace may use."""
    pairs = (host.rpartition("/") for host in server.hosts)
    return [name for owner, _, name in pairs if owner in ("", "*", namespace)]


def _common_hosts(hosts: Sequence[str], others: Sequence[str]) -> list[str]:
    """Of each pair that overlaps the narrower host, in the order of the server's hosts."""
    found: dict[str, None] = {}
    for host in hosts:
        for other in others:
            if subset_of(host, other):
                found.setdefault(host)
            elif subset_of(other, host):
                found.setdefault(other)
    return list(found)


def _place(site: Site, server: Server, config: Config) -> Place:
    def service(host: str) -> Service | None:
        return _own_service(site, host, config.namespace) or site.by_host.get(host)

    return Place(site, server.number, server.gateway, service, tls=server.tls is not None)


def _own_service(site: Site, host: str, namespace: str) -> Service | None:
    """A service of the VirtualService's own namespace counts first, if the gateway sees it."""
    found = (s for s in site.mesh.registry.by_host.get(host, ()) if s.namespace == namespace)
    service = next(found, None)
    return service if service and is_visible(service, site.proxy.namespace, site.mesh) else None


def _collapsed(hosts: Mapping[str, Host]) -> list[Host]:
    """Hosts with the very same routes as one virtual host with several domains."""
    merged: dict[tuple[bool, tuple[int, ...]], Host] = {}
    for name in sorted(hosts, key=specificity):
        host = hosts[name]
        same = merged.setdefault((host.https_only, tuple(id(route) for route in host.routes)), host)
        if same is not host:
            same.domains.extend(host.domains)
    return list(merged.values())
