"""Rules of Gateways."""

from __future__ import annotations

from meshctl.sandbox.apiserver.validation.golang import quote
from meshctl.sandbox.apiserver.validation.istio.decoding import Record
from meshctl.sandbox.apiserver.validation.istio.problem import Problems, error, warning
from meshctl.sandbox.apiserver.validation.istio.rules import names, protocol
from meshctl.sandbox.apiserver.validation.istio.rules.server_tls import PASSTHROUGH, server_tls


def gateway(spec: Record, name: str) -> Problems:
    """A Gateway's spec, and its name."""
    if not names.is_label(name):
        yield error(f"invalid gateway name: {quote(name)}")
    if not spec.servers:
        yield error("gateway must have at least one server")
    for server in spec.servers:
        yield from _server(server)
    seen: set[str] = set()
    for server in spec.servers:
        if server.port is None:
            continue
        if server.port.name in seen:
            yield error(f"port names in servers must be unique: duplicate name {server.port.name}")
        seen.add(server.port.name)
        redirects = server.tls is not None and server.tls.httpsRedirect
        if redirects and not protocol.is_http(server.port.protocol):
            yield warning("tls.httpsRedirect should only be used with http servers")


def _server(server: Record) -> Problems:
    if not server.hosts:
        yield error("server config must contain at least one host")
    for host in server.hosts:
        yield from names.namespaced_host(host, gateway=True)
    wrong_port = list(_port(server.port, server.bind))
    yield from wrong_port
    yield from _bind(server.port, server.bind)
    yield from server_tls(server.tls)
    if not wrong_port:
        yield from _encryption(server)


def _port(port: Record | None, bind: str) -> Problems:
    if port is None:
        yield error("port is required")
        return
    if not protocol.is_known(port.protocol):
        known = "HTTP, HTTP2, GRPC, GRPC-WEB, MONGO, REDIS, MYSQL, TCP"
        yield error(f"invalid protocol {quote(port.protocol)}, supported protocols are {known}")
    if port.number or not bind.startswith(names.UNIX_PREFIX):
        yield from names.port(port.number)
    if port.targetPort:
        yield error("targetPort has no impact on Gateways")
    if not port.name:
        yield error(f"port name must be set: {_shown(port)}")


def _shown(port: Record) -> str:
    """A port as protobuf's text."""
    fields = {
        "number": port.number,
        "protocol": port.protocol,
        "name": port.name,
        "target_port": port.targetPort,
    }
    return " ".join(
        f"{name}:{quote(value) if isinstance(value, str) else value}" for name, value in fields.items() if value
    )


def _bind(port: Record | None, bind: str) -> Problems:
    if not bind.startswith(names.UNIX_PREFIX):
        if bind:
            yield from names.address(bind)
        return
    yield from names.unix_address(bind.removeprefix(names.UNIX_PREFIX))
    if port is not None and port.number:
        yield error(f"port number must be 0 for unix domain socket: {_shown(port)}")


def _encryption(server: Record) -> Problems:
    name, tls = server.port.protocol, server.tls
    if protocol.is_tls(name):
        if tls is None:
            yield error("server must have TLS settings for HTTPS/TLS protocols")
    elif tls is not None and not protocol.is_http(name):
        yield error("server cannot have TLS settings for non HTTPS/TLS ports")
    elif tls is not None:
        files = tls.caCertificates or tls.privateKey or tls.serverCertificate
        if tls.mode not in PASSTHROUGH or files:
            yield error("server cannot have TLS settings for plain text HTTP ports")
