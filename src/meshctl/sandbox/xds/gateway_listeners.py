"""Listeners of gateways: ingress, egress and east-west."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from meshctl.sandbox.xds import access_log, cluster_name, gateway_servers, tcp_proxy, virtual_services
from meshctl.sandbox.xds.configs import Config
from meshctl.sandbox.xds.downstream_tls import server_tls
from meshctl.sandbox.xds.filter_chains import ANY_MTLS, Chain, distinct, tls_inspector
from meshctl.sandbox.xds.gateway_servers import Server, ServerPort
from meshctl.sandbox.xds.hosts import overlap, subset_of
from meshctl.sandbox.xds.http_connection import Side, connection_manager, discovered
from meshctl.sandbox.xds.message import Json, extension, message, socket_address
from meshctl.sandbox.xds.place import Place, Site
from meshctl.sandbox.xds.protocol import Protocol
from meshctl.sandbox.xds.service import UNSPECIFIED

Fields = Mapping[str, Any]
# The bind whose TLS routes took an SNI host of a port last.
Taken = dict[tuple[int, str], str]


def build(site: Site) -> dict[str, Json]:
    """One listener for each address of the servers that select the gateway (Istio core/gateway.go)."""
    servers = gateway_servers.of(site.mesh, site.proxy)
    chains: dict[tuple[str, int], list[Chain]] = {}
    taken: Taken = {}
    for port, group in servers.by_port.items():
        address = (port.bind or UNSPECIFIED, port.number)
        chains.setdefault(address, []).extend(_chains(site, port, group, taken))
    listeners = (_listener(site, *address, found) for address, found in chains.items() if found)
    return {listener["name"]: listener for listener in listeners}


def _listener(site: Site, bind: str, port: int, chains: Sequence[Chain]) -> Json:
    filters = [_proxy_protocol()] if _topology(site).get("proxyProtocol") is not None else []
    if any(chain.reads_tls for chain in chains):
        filters.append(tls_inspector())
    return message(
        name=_name(bind, port),
        address=socket_address(bind, port),
        traffic_direction="OUTBOUND",
        max_connections_to_accept_per_socket_event=1,
        access_log=access_log.of_listener(site.settings),
        listener_filters=filters,
        filter_chains=list(distinct(chain.build() for chain in chains)),
    )


def _name(bind: str, port: int) -> str:
    return f"{bind}_{port}"


def _topology(site: Site) -> Fields:
    default: Fields = site.settings.raw.get("defaultConfig") or {}
    return default.get("gatewayTopology") or {}


def _proxy_protocol() -> Json:
    kind = "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol"
    return extension("envoy.filters.listener.proxy_protocol", kind)


def _chains(site: Site, port: ServerPort, servers: Sequence[Server], taken: Taken) -> Iterator[Chain]:
    if port.protocol.is_http:
        yield Chain([_http(site, port, servers[0])])
        return
    for server in servers:
        if server.ends_https:
            socket = server_tls(server.tls or {}, site.settings, tcp=False)
            filters = [_http(site, port, server)]
            yield Chain(filters, sni_hosts=server.sni_hosts, transport_socket=socket)
        elif server.tls_mode == "AUTO_PASSTHROUGH":
            yield from _auto_passthrough(site, server)
        elif server.passes_tls_through:
            yield from _passthrough(site, port, server, taken)
        else:
            yield from _tcp(site, server)


def _http(site: Site, port: ServerPort, server: Server) -> Json:
    named = server.name if server.ends_https else ""
    return connection_manager(
        site.settings,
        site.proxy,
        Side.GATEWAY,
        stat_prefix=named or f"outbound_{_name(port.bind or UNSPECIFIED, port.number)};",
        routes=discovered(server.route_name(port.number)),
        access_log=site.log,
        protocol=server.protocol,
    )


def _auto_passthrough(site: Site, server: Server) -> Iterator[Chain]:
    """A chain for every service port and subset, by the SNI that names its cluster.

    With the ALPNs of Istio's mutual TLS required, nothing reaches a workload in the clear.
    """
    for service in site.scope.services:
        if service.mesh_external or not any(subset_of(service.hostname, host) for host in server.sni_hosts):
            continue
        rule = site.rule(service.hostname)
        names = ["", *(subset["name"] for subset in (rule or {}).get("subsets") or ())]
        for port in service.ports:
            if port.protocol is not Protocol.UDP:
                for subset in names:
                    cluster = cluster_name.sni(port.number, subset, service.hostname)
                    proxy = tcp_proxy.to_cluster(cluster, site.log, rule, subset, tunnel=False)
                    filters = tcp_proxy.stack(port.protocol, proxy, cluster)
                    yield Chain(filters, sni_hosts=(cluster,), application_protocols=ANY_MTLS)


def _passthrough(site: Site, port: ServerPort, server: Server, taken: Taken) -> Iterator[Chain]:
    """A chain for every TLS match of the VirtualServices bound to the gateway; each SNI host only once."""
    place = _place(site, server)
    for config in _virtual_services(site, server):
        for route in config.spec.get("tls") or ():
            for condition in (route.get("match") or ()) if route.get("route") else ():
                names = tuple(condition.get("sniHosts") or ())
                used = any(taken.get((port.number, name)) == server.bind for name in names)
                if _applies(condition, server) and not used:
                    taken.update({(port.number, name): server.bind for name in names})
                    filters = tcp_proxy.of_routes(config, route["route"], server.protocol, place)
                    yield Chain(filters, sni_hosts=names)


def _tcp(site: Site, server: Server) -> Iterator[Chain]:
    """The first TCP route of the VirtualServices bound to the gateway; none, no chain."""
    for config in _virtual_services(site, server):
        for route in config.spec.get("tcp") or ():
            conditions = route.get("match") or ()
            matches = not conditions or any(_applies(condition, server) for condition in conditions)
            if matches and route.get("route"):
                filters = tcp_proxy.of_routes(config, route["route"], server.protocol, _place(site, server))
                yield _terminated(site, server, filters)
                return


def _terminated(site: Site, server: Server, filters: Sequence[Json]) -> Chain:
    if server.tls is None:
        return Chain(filters)
    ends_tcp = server.protocol is not Protocol.HTTPS and not server.protocol.is_http
    socket = server_tls(server.tls, site.settings, tcp=ends_tcp)
    return Chain(filters, sni_hosts=server.sni_hosts, transport_socket=socket)


def _place(site: Site, server: Server) -> Place:
    return Place(site, server.number, server.gateway, site.by_host.get)


def _virtual_services(site: Site, server: Server) -> Iterator[Config]:
    bound = virtual_services.bound_to(site.mesh.virtual_services, server.gateway, site.proxy.namespace, site.settings)
    return (config for config in bound if _shares_host(config, server))


def _shares_host(config: Config, server: Server) -> bool:
    return any(
        overlap(wanted.rpartition("/")[2], host)
        for wanted in server.hosts
        if wanted.partition("/")[0] in (config.namespace, wanted)
        for host in config.spec["hosts"]
    )


def _applies(condition: Fields, server: Server) -> bool:
    port, gateways = condition.get("port"), condition.get("gateways")
    return (not port or port == server.number) and (not gateways or server.gateway in gateways)
