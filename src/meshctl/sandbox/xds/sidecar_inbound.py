"""Inbound listeners of sidecars: which mutual TLS a port demands and where its traffic goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from meshctl.sandbox.xds import access_log, cluster_name, inspection, retry_policy, tcp_proxy
from meshctl.sandbox.xds.configs import Config
from meshctl.sandbox.xds.downstream_tls import HTTP_ALPN, TCP_ALPN, mesh_tls
from meshctl.sandbox.xds.filter_chains import (
    ANY_MTLS,
    MTLS_HTTP,
    MTLS_TCP,
    PLAINTEXT_HTTP,
    RAW,
    TLS,
    detection_timeout,
)
from meshctl.sandbox.xds.http_connection import Side, connection_manager
from meshctl.sandbox.xds.message import Json, message, socket_address
from meshctl.sandbox.xds.peer_authentication import MutualTls
from meshctl.sandbox.xds.place import Site
from meshctl.sandbox.xds.protocol import Protocol, parse
from meshctl.sandbox.xds.route_match import ANYTHING
from meshctl.sandbox.xds.service import UNSPECIFIED
from meshctl.sandbox.xds.sidecar_outbound import RESERVED_PORTS

VIRTUAL_INBOUND, INBOUND_PORT = "virtualInbound", 15006


@dataclass(frozen=True, slots=True)
class Match:
    """One kind of connection to a port: how it comes, whether its TLS ends here, whether HTTP is inside."""

    http: bool
    transport: str
    terminates: bool = False
    alpn: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InboundPort:
    """A port of the application and the service port before it; `target` 0: all ports without a chain."""

    target: int
    protocol: Protocol
    service_port: int = 0
    hostname: str = ""
    cluster: str = cluster_name.INBOUND_PASSTHROUGH
    bind: str = UNSPECIFIED
    binds_port: bool = False
    metadata: Json | None = None

    @property
    def passes_through(self) -> bool:
        """Whether no service stands for it."""
        return self.cluster == cluster_name.INBOUND_PASSTHROUGH

    def chain_name(self, *, http: bool) -> str:
        """The name of its filter chains."""
        if self.passes_through:
            return f"{VIRTUAL_INBOUND}-catchall-http" if http else VIRTUAL_INBOUND
        return f"{self.bind}_{self.target}"


# By (mode, HTTP | TCP | sniffed), in Envoy's order (Istio core/filterchain_options.go).
_HTTP: Mapping[MutualTls, tuple[Match, ...]] = {
    MutualTls.STRICT: (Match(True, TLS, terminates=True),),
    MutualTls.PERMISSIVE: (Match(True, TLS, terminates=True, alpn=ANY_MTLS), Match(True, RAW)),
    MutualTls.DISABLE: (Match(True, RAW),),
}
_TCP: Mapping[MutualTls, tuple[Match, ...]] = {
    MutualTls.STRICT: (Match(False, TLS, terminates=True),),
    MutualTls.PERMISSIVE: (
        Match(False, TLS, terminates=True, alpn=ANY_MTLS),
        Match(False, TLS),
        Match(False, RAW),
    ),
    MutualTls.DISABLE: (Match(False, RAW),),
}
_SNIFFED: Mapping[MutualTls, tuple[Match, ...]] = {
    MutualTls.STRICT: (Match(True, TLS, terminates=True, alpn=MTLS_HTTP), Match(False, TLS, terminates=True)),
    MutualTls.PERMISSIVE: (
        Match(True, TLS, terminates=True, alpn=MTLS_HTTP),
        Match(True, RAW, alpn=PLAINTEXT_HTTP),
        Match(False, TLS, terminates=True, alpn=MTLS_TCP),
        Match(False, RAW),
        Match(False, TLS),
    ),
    MutualTls.DISABLE: (Match(True, RAW, alpn=PLAINTEXT_HTTP), Match(False, RAW)),
}


def build(site: Site) -> dict[str, Json]:
    """`virtualInbound` and the ports that a Sidecar binds itself, by name (Istio listener_inbound.go)."""
    ports = inbound_ports(site)
    shared = [chain for port in ports if not port.binds_port for chain in _chains(site, port)]
    virtual = [_blackhole(), *_pass_through(site, ports), *shared]
    listeners = [_listener(site, VIRTUAL_INBOUND, UNSPECIFIED, INBOUND_PORT, virtual, original=True)]
    for port in ports:
        if port.binds_port:
            chains = list(_chains(site, port))
            name = port.chain_name(http=False)
            listeners.append(_listener(site, name, port.bind, port.target, chains, original=False))
    return {listener["name"]: listener for listener in listeners}


def inbound_ports(site: Site) -> list[InboundPort]:
    """The ports of a Sidecar's ingress, else of the services that select the proxy; the first of each."""
    sidecar = site.scope.sidecar
    own = sidecar is not None and sidecar.spec.get("ingress")
    found: dict[int, InboundPort] = {}
    for port in _of_sidecar(site, sidecar) if sidecar and own else _of_services(site):
        reserved = port.bind == UNSPECIFIED and port.target in RESERVED_PORTS
        if not reserved:
            found.setdefault(port.target, port)
    return [found[number] for number in sorted(found)]


def _of_services(site: Site) -> Iterator[InboundPort]:
    for target in site.mesh.registry.targets(site.proxy):
        yield InboundPort(
            target=target.target_port,
            protocol=target.port.protocol,
            service_port=target.port.number,
            hostname=target.service.hostname,
            cluster=cluster_name.inbound(target.target_port),
        )


def _of_sidecar(site: Site, sidecar: Config) -> Iterator[InboundPort]:
    for entry in sidecar.spec["ingress"]:
        number = entry["port"]["number"]
        yield InboundPort(
            target=number,
            protocol=parse(entry["port"].get("protocol") or ""),
            service_port=number,
            hostname=f"{sidecar.name}.{site.proxy.namespace}",
            cluster=cluster_name.inbound(number),
            bind=entry.get("bind") or site.proxy.address or UNSPECIFIED,
            binds_port=entry.get("captureMode") == "NONE",
            metadata={"filter_metadata": {"istio": {"config": sidecar.path("sidecar")}}},
        )


def _pass_through(site: Site, ports: Sequence[InboundPort]) -> Iterator[Json]:
    """Chains for ports without service, and for those that only a PeerAuthentication names."""
    anything = InboundPort(0, Protocol.UNSUPPORTED)
    named = site.mesh.peer_authentications.ports(site.proxy.namespace, site.proxy.labels)
    for number in (0, *sorted(named - {port.target for port in ports})):
        yield from _chains(site, replace(anything, target=number))


def _blackhole() -> Json:
    """Traffic to the listener's own port would go round in circles."""
    return {
        "name": f"{VIRTUAL_INBOUND}-blackhole",
        "filter_chain_match": {"destination_port": INBOUND_PORT},
        "filters": [tcp_proxy.tcp_proxy(cluster_name.BLACK_HOLE, ())],
    }


def _chains(site: Site, port: InboundPort) -> Iterator[Json]:
    policies = site.mesh.peer_authentications
    mode = policies.workload_mode(site.proxy.namespace, site.proxy.labels, port.target)
    for match in _kinds(port.protocol)[mode]:
        yield message(
            name=port.chain_name(http=match.http),
            filter_chain_match=message(
                destination_port=port.target or None,
                transport_protocol=match.transport,
                application_protocols=list(match.alpn),
            ),
            filters=_http(site, port) if match.http else _tcp(site, port),
            transport_socket=_socket(site, match) if match.terminates else None,
            metadata=port.metadata,
        )


def _kinds(protocol: Protocol) -> Mapping[MutualTls, tuple[Match, ...]]:
    if protocol.is_http:
        return _HTTP
    # A UDP port gets chains for TCP, which its number never sees.
    return _TCP if protocol.is_tcp or protocol is Protocol.UDP else _SNIFFED


def _socket(site: Site, match: Match) -> Json:
    return mesh_tls(site.settings, HTTP_ALPN if match.http else TCP_ALPN)


def _tcp(site: Site, port: InboundPort) -> list[Json]:
    proxy = tcp_proxy.tcp_proxy(port.cluster, site.log)
    return tcp_proxy.stack(port.protocol, proxy, port.cluster)


def _http(site: Site, port: InboundPort) -> list[Json]:
    stat_prefix = port.cluster if port.passes_through else f"inbound_{port.chain_name(http=True)}"
    return [
        connection_manager(
            site.settings,
            site.proxy,
            Side.INBOUND,
            stat_prefix=f"{stat_prefix};",
            routes={"route_config": _routes(port)},
            access_log=site.log,
            protocol=port.protocol,
        )
    ]


def _routes(port: InboundPort) -> Json:
    streams = port.protocol in (Protocol.GRPC, Protocol.GRPC_WEB)
    route = {
        "name": "default",
        "match": ANYTHING,
        "decorator": {"operation": f"{port.hostname}:{port.service_port}/*"},
        "route": message(
            cluster=port.cluster,
            timeout="0s",
            max_stream_duration={"max_stream_duration": "0s", "grpc_timeout_header_max": "0s"},
            retry_policy=None if streams else retry_policy.INBOUND,
        ),
    }
    host = {"name": f"inbound|http|{port.service_port}", "domains": ["*"], "routes": [route]}
    return {"name": port.cluster, "virtual_hosts": [host], "validate_clusters": False}


def _listener(site: Site, name: str, bind: str, port: int, chains: Sequence[Json], *, original: bool) -> Json:
    return message(
        name=name,
        address=socket_address(bind, port),
        traffic_direction="INBOUND",
        continue_on_listener_filters_timeout=True,
        max_connections_to_accept_per_socket_event=1,
        access_log=access_log.of_listener(site.settings),
        filter_chains=list(chains),
        listener_filters=inspection.listener_filters(chains, original=original),
        listener_filters_timeout=detection_timeout(site.settings),
    )
