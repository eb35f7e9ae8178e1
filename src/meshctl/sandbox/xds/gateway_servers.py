"""The servers of all Gateways that select a proxy, merged by the port where it really listens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from meshctl.sandbox.xds import protocol
from meshctl.sandbox.xds.configs import Config, selects
from meshctl.sandbox.xds.mesh import Mesh
from meshctl.sandbox.xds.protocol import Protocol
from meshctl.sandbox.xds.proxy import Proxy
from meshctl.sandbox.xds.service import Target

Fields = Mapping[str, Any]

_PASSTHROUGH = ("PASSTHROUGH", "AUTO_PASSTHROUGH")
_NO_TRANSLATION = "experimental.istio.io/disable-gateway-port-translation"


@dataclass(frozen=True, slots=True)
class Server:
    """A server of a Gateway (`namespace/name`); `hosts` may be `namespace/host`, `number` is as written."""

    gateway: str
    hosts: tuple[str, ...]
    number: int
    port_name: str
    protocol: Protocol
    name: str = ""
    bind: str = ""
    tls: Fields | None = None
    written_protocol: str = ""

    @property
    def tls_mode(self) -> str:
        """The mode of its TLS; empty without TLS, PASSTHROUGH if it does not say."""
        return "" if self.tls is None else self.tls.get("mode") or "PASSTHROUGH"

    @property
    def passes_tls_through(self) -> bool:
        """Whether TLS stays closed."""
        return self.tls_mode in _PASSTHROUGH

    @property
    def speaks_tls(self) -> bool:
        """Whether its port is one for TLS; HTTP with `httpsRedirect` is not."""
        return self.tls is not None and not self.protocol.is_http

    @property
    def ends_https(self) -> bool:
        """Whether it ends TLS and then reads HTTP."""
        return self.tls is not None and self._https

    @property
    def serves_http(self) -> bool:
        """Whether it has routes: HTTP, or HTTPS that is not passed through."""
        return self.protocol.is_http or self._https

    @property
    def _https(self) -> bool:
        return self.protocol is Protocol.HTTPS and not self.passes_tls_through

    @property
    def redirects_to_https(self) -> bool:
        """Whether plain requests are sent to https."""
        return bool((self.tls or {}).get("httpsRedirect"))

    @property
    def sni_hosts(self) -> tuple[str, ...]:
        """Its hosts without namespaces, for TLS servers."""
        names = {host.rpartition("/")[2] for host in self.hosts}
        return tuple(sorted(names)) if self.tls is not None else ()

    def route_name(self, port: int) -> str:
        """The name of its route configuration when it listens on `port`; empty if it has none."""
        bind = f".{self.bind}" if self.bind else ""
        if self.protocol.is_http:
            return f"http.{port}{bind}"
        namespace, _, name = self.gateway.partition("/")
        return f"https.{self.number}.{self.port_name}.{name}.{namespace}{bind}" if self._https else ""


@dataclass(frozen=True, slots=True)
class ServerPort:
    """A port to listen on."""

    number: int
    written_protocol: str
    bind: str = ""

    @property
    def protocol(self) -> Protocol:
        """What is spoken on it."""
        return protocol.parse(self.written_protocol)


@dataclass(slots=True)
class Servers:
    """The servers by port and by route configuration, in the order in which the ports were first named."""

    by_port: dict[ServerPort, list[Server]] = field(default_factory=dict)
    by_route: dict[str, list[Server]] = field(default_factory=dict)
    # What the merge must remember: the plain port of each number, numbers taken, binds of the TLS hosts.
    plain: dict[int, ServerPort] = field(default_factory=dict)
    numbers: set[int] = field(default_factory=set)
    hosts: dict[tuple[int, str], str] = field(default_factory=dict)


def of(mesh: Mesh, proxy: Proxy) -> Servers:
    """Merge the Gateways that select the proxy, oldest first (Istio model/gateway.go MergeGateways)."""
    merged = Servers()
    targets = mesh.registry.targets(proxy)
    for gateway in mesh.configs.of("Gateway"):
        if selects(gateway.spec.get("selector"), proxy.labels):
            for server in _servers(gateway):
                _place(merged, server, listening_port(server.number, targets))
    return merged


def listening_port(number: int, targets: Iterable[Target]) -> int:
    """A Gateway names the port of the proxy's Service: the proxy listens on its target port."""
    own = (
        target.target_port
        for target in targets
        if target.port.number == number and _NO_TRANSLATION not in target.service.labels
    )
    return next(own, number)


def _servers(gateway: Config) -> Iterator[Server]:
    for spec in gateway.spec.get("servers") or ():
        port = spec.get("port")
        if port:
            yield Server(
                gateway=f"{gateway.namespace}/{gateway.name}",
                hosts=tuple(_hosts(spec.get("hosts") or (), gateway.namespace)),
                number=port.get("number") or 0,
                port_name=port.get("name") or "",
                protocol=protocol.parse(port.get("protocol") or ""),
                name=spec.get("name") or "",
                bind=spec.get("bind") or "",
                tls=spec.get("tls"),
                written_protocol=port.get("protocol") or "",
            )


def _hosts(hosts: Sequence[str], namespace: str) -> list[str]:
    """`./host` gets the Gateway's namespace, `*/host` loses its own; `*/*` makes all others needless."""
    if "*/*" in hosts:
        return ["*"]
    return [namespace + host[1:] if host.startswith("./") else host.removeprefix("*/") for host in hosts]


def _place(merged: Servers, server: Server, number: int) -> None:
    if server.tls is not None and not _claim_hosts(merged, server, number):
        return
    port = ServerPort(number, server.written_protocol, server.bind)
    if number not in merged.numbers:
        merged.numbers.add(number)
        _open(merged, server, port)
    elif number in merged.plain:
        _beside_plain(merged, server, port)
    elif not server.speaks_tls:
        _open(merged, server, port)
    else:
        _beside_tls(merged, server, port)


def _claim_hosts(merged: Servers, server: Server, number: int) -> bool:
    """A host belongs to the first TLS server of its port: Envoy refuses the same match twice.

    Another bind is another listener; Istio remembers only the last bind of a host.
    """
    if any(merged.hosts.get((number, host)) == server.bind for host in server.hosts):
        return False
    merged.hosts.update({(number, host): server.bind for host in server.hosts})
    return True


def _open(merged: Servers, server: Server, port: ServerPort) -> None:
    if not server.speaks_tls:
        merged.plain[port.number] = port
    if server.serves_http:
        merged.by_route[server.route_name(port.number)] = [server]
    merged.by_port[port] = [server]


def _beside_plain(merged: Servers, server: Server, port: ServerPort) -> None:
    """Join the plain servers of a port if both are HTTP; another bind is a listener of its own."""
    current = merged.plain[port.number]
    name = server.route_name(port.number)
    if current.bind != port.bind:
        if port in merged.by_port:
            _join(merged, server, port, name)
        else:
            _open(merged, server, port)
    elif name and _both_http(port, current):
        _join(merged, server, current, name)


def _both_http(port: ServerPort, current: ServerPort) -> bool:
    return current.protocol.is_http and (port.protocol.is_http or port.protocol is current.protocol)


def _join(merged: Servers, server: Server, port: ServerPort, name: str) -> None:
    merged.by_port[port].append(server)
    merged.by_route.setdefault(name, []).append(server)


def _beside_tls(merged: Servers, server: Server, port: ServerPort) -> None:
    """TLS servers share a port by SNI; each HTTPS server needs a route configuration of its own."""
    if server.serves_http:
        name = server.route_name(port.number)
        if name in merged.by_route:
            return
        merged.by_route[name] = [server]
    merged.by_port.setdefault(port, []).append(server)
