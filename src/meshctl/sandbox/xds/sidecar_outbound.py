"""Outbound listeners of sidecars: one for each HTTP port, one for each address and port of anything else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from meshctl.sandbox.xds import duration, dynamic_dns, tcp_proxy, tcp_routes
from meshctl.sandbox.xds.configs import Config
from meshctl.sandbox.xds.filter_chains import (
    PLAINTEXT_HTTP,
    RAW,
    Chain,
    detection_timeout,
    http_inspector,
    tls_inspector,
)
from meshctl.sandbox.xds.hosts import is_address
from meshctl.sandbox.xds.http_connection import Side, connection_manager, discovered
from meshctl.sandbox.xds.message import Json, message, socket_address
from meshctl.sandbox.xds.place import Site
from meshctl.sandbox.xds.protocol import Protocol
from meshctl.sandbox.xds.protocol import parse as parse_protocol
from meshctl.sandbox.xds.scope import EgressListener
from meshctl.sandbox.xds.service import UNSPECIFIED, Origin, Port, Resolution, Service
from meshctl.sandbox.xds.sidecar_routes import egress_cluster
from meshctl.sandbox.xds.tcp_routes import Destination

# Ports of the proxy itself: its two listeners, its health and its metrics.
RESERVED_PORTS = frozenset({15001, 15006, 15021, 15090})
_LOOPBACK = "127.0.0.1"
_SERVER_FIRST = (Protocol.MONGO, Protocol.MYSQL)


@dataclass(frozen=True, slots=True)
class Request:
    """A service port that wants a listener; `bind` empty: where its protocol belongs.

    `virtual_services` are those with TCP or TLS routes.
    """

    site: Site
    service: Service
    port: Port
    virtual_services: Sequence[Config]
    bind: str = ""
    binds_port: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A listener while services join it; `routes` names the route configuration of its HTTP chain.

    `protocol` UNSUPPORTED: HTTP and TCP, told apart by inspection. `locked`: a Sidecar's, closed to others.
    """

    bind: str
    port: int
    protocol: Protocol
    chains: tuple[Chain, ...]
    routes: str = ""
    binds_port: bool = False
    locked: bool = False


Entries = dict[tuple[str, int], Entry]


def build(site: Site) -> dict[str, Json]:
    """The listeners of what the proxy may call, by name (Istio core/listener.go)."""
    listeners = (_listener(site, entry) for entry in entries(site).values())
    return {listener["name"]: listener for listener in listeners}


def entries(site: Site) -> Entries:
    """Every listener with its chains; a Sidecar's egress ports come first and keep others out."""
    found: Entries = {}
    for egress in site.scope.egress:
        if not egress.port:
            found = {key: replace(entry, locked=True) for key, entry in found.items()}
        for request in _requests(site, egress):
            _add(found, request)
    return found


def _requests(site: Site, egress: EgressListener) -> Iterator[Request]:
    bind: str = egress.spec.get("bind") or ""
    binds_port = egress.spec.get("captureMode") == "NONE"
    if binds_port and not bind:
        bind = _LOOPBACK
    routed = tuple(config for config in egress.virtual_services if config.spec["tcp"] or config.spec["tls"])
    for service in egress.services:
        for port in _ports(egress, service):
            if _reserved(bind, port):
                continue
            request = Request(site, service, port, routed, bind, binds_port)
            per_instance = not egress.port and _is_per_instance(request)
            yield from _of_instances(request) if per_instance else (request,)


def _ports(egress: EgressListener, service: Service) -> Iterable[Port]:
    if not egress.port:
        return service.ports
    own = egress.spec["port"]
    return (Port(own.get("name") or "", egress.port, parse_protocol(own.get("protocol") or "")),)


def _reserved(bind: str, port: Port) -> bool:
    shared = bind == UNSPECIFIED if bind else port.protocol.is_http
    return shared and port.number in RESERVED_PORTS


def _is_per_instance(request: Request) -> bool:
    """A headless TCP service has no address of its own, so each of its pods gets a listener."""
    streams = request.port.protocol.is_tcp or request.port.protocol.is_unsupported
    headless = request.service.headless and request.service.address_for(request.site.proxy.cluster) == UNSPECIFIED
    return not request.bind and streams and headless


def _of_instances(request: Request) -> Iterator[Request]:
    service, site = request.service, request.site
    every = site.mesh.registry.endpoints_of(service)
    # Also pods that are about to end: connections to them may still come.
    instances = [endpoint for endpoint in every if endpoint.port_name == request.port.name]
    if service.origin is Origin.EXTERNAL and not instances and not service.selector:
        yield request
    for endpoint in instances:
        if is_address(endpoint.address) and endpoint.address != site.proxy.address:
            yield replace(request, bind=endpoint.address)


def _add(found: Entries, request: Request) -> None:
    if request.service.resolution is Resolution.ALIAS:
        return
    protocol = request.port.protocol
    destination = _destination(request)
    key = (destination.bind, request.port.number)
    current = found.get(key)
    if current and current.locked:
        return
    if protocol.is_http:
        _add_http(found, request, destination, current)
    elif protocol.is_tcp:
        _add_tcp(found, request, destination, current)
    elif protocol is not Protocol.UDP:
        _add_sniffed(found, request, destination, current)


def _destination(request: Request) -> Destination:
    """Where a port listens: HTTP on every address, TCP on the service's own, or a CIDR as a chain's match."""
    if request.bind or request.port.protocol.is_http:
        return Destination(request.service, request.port, request.bind or UNSPECIFIED)
    address = request.service.address_for(request.site.proxy.cluster)
    if "/" in address:
        return Destination(request.service, request.port, UNSPECIFIED, (address,))
    return Destination(request.service, request.port, address)


def _add_http(found: Entries, request: Request, destination: Destination, current: Entry | None) -> None:
    if current and not current.protocol.is_tcp:
        # Services of a port share the listener: the route configuration has them all.
        return
    name = str(request.port.number)
    chain = _http_chain(request, destination, name, inspected=destination.bind == UNSPECIFIED)
    protocol = Protocol.UNSUPPORTED if destination.bind == UNSPECIFIED else request.port.protocol
    if request.port.protocol is Protocol.HTTP_PROXY:
        chain = _http_chain(request, destination, name, inspected=False)
    _join(found, request, Entry(destination.bind, request.port.number, protocol, (chain,), name), current)


def _add_tcp(found: Entries, request: Request, destination: Destination, current: Entry | None) -> None:
    chains = tuple(tcp_routes.chains(request.site, destination, request.virtual_services))
    _join(found, request, Entry(destination.bind, request.port.number, request.port.protocol, chains), current)


def _add_sniffed(found: Entries, request: Request, destination: Destination, current: Entry | None) -> None:
    if current and current.protocol.is_unsupported:
        return
    shared = destination.bind == UNSPECIFIED
    number = request.port.number
    name = str(number) if shared else f"{request.service.hostname}:{number}"
    tcp = tcp_routes.chains(request.site, destination, request.virtual_services)
    http = _http_chain(request, destination, name, inspected=True)
    entry = Entry(destination.bind, number, request.port.protocol, (*tcp, http), name)
    overrides = current is not None and current.protocol.is_http
    _join(found, request, entry, None if overrides else current)


def _join(found: Entries, request: Request, entry: Entry, current: Entry | None) -> None:
    """Open a listener, or let HTTP and TCP share one by inspection; of equal matches the older chain wins."""
    key = (entry.bind, entry.port)
    if current is None:
        found[key] = replace(entry, binds_port=request.binds_port)
    elif not _speaks_first(request.port.protocol, current.protocol):
        chains = list(current.chains)
        for chain in entry.chains:
            if not any(known.conflicts_with(chain) for known in chains):
                chains.append(chain)
        same_kind = request.port.protocol.is_tcp and not current.protocol.is_http
        protocol = current.protocol if same_kind else Protocol.UNSUPPORTED
        routes = current.routes or entry.routes
        found[key] = replace(current, chains=tuple(chains), protocol=protocol, routes=routes)


def _speaks_first(incoming: Protocol, existing: Protocol) -> bool:
    """Inspection would hang where the server speaks first."""
    return incoming is not existing and (incoming in _SERVER_FIRST or existing in _SERVER_FIRST)


def _http_chain(request: Request, destination: Destination, routes: str, *, inspected: bool) -> Chain:
    site, service = request.site, request.service
    manager = connection_manager(
        site.settings,
        site.proxy,
        Side.OUTBOUND,
        stat_prefix=f"outbound_{destination.bind}_{request.port.number};",
        routes=discovered(routes),
        access_log=site.log,
        protocol=request.port.protocol,
        last_filters=[dynamic_dns.http_filter(service, site.proxy)] if dynamic_dns.applies(service) else (),
    )
    if not inspected:
        return Chain([manager])
    return Chain([manager], application_protocols=PLAINTEXT_HTTP, transport_protocol=RAW)


def _listener(site: Site, entry: Entry) -> Json:
    inspects_http = any(chain.application_protocols for chain in entry.chains)
    inspectors = [tls_inspector()] if any(chain.reads_tls for chain in entry.chains) else []
    return message(
        name=f"{entry.bind}_{entry.port}",
        address=socket_address(entry.bind, entry.port),
        traffic_direction="OUTBOUND",
        continue_on_listener_filters_timeout=True,
        listener_filters=[*inspectors, http_inspector()] if inspects_http else inspectors,
        listener_filters_timeout=detection_timeout(site.settings) if inspects_http else duration.ZERO,
        max_connections_to_accept_per_socket_event=1 if entry.binds_port else None,
        bind_to_port=None if entry.binds_port else False,
        **_filter_chains(site, entry.chains),
    )


def _filter_chains(site: Site, chains: Sequence[Chain]) -> Json:
    """The chains; the last that takes everything is the default one, else what is unknown passes through."""
    rest = [chain.build() for chain in chains if not chain.matches_all]
    default = next((chain.build() for chain in reversed(chains) if chain.matches_all), None)
    if default is not None and not rest:
        return {"filter_chains": [default]}
    return {"filter_chains": rest, "default_filter_chain": default or _fall_through(site)}


def _fall_through(site: Site) -> Json:
    proxy = tcp_proxy.tcp_proxy(egress_cluster(site), site.log)
    return {"name": "PassthroughFilterChain", "filter_chain_match": {}, "filters": [proxy]}
