"""Rules of Sidecars."""

from __future__ import annotations

import re
from collections.abc import Sequence

from meshctl.sandbox.apiserver.validation.golang import quote
from meshctl.sandbox.apiserver.validation.istio.decoding import Record
from meshctl.sandbox.apiserver.validation.istio.problem import Problem, Problems, error, warning
from meshctl.sandbox.apiserver.validation.istio.rules import names, protocol
from meshctl.sandbox.apiserver.validation.istio.rules.connection_pool import connection_pool
from meshctl.sandbox.apiserver.validation.istio.rules.route import destination
from meshctl.sandbox.apiserver.validation.istio.rules.selector import networking_selector
from meshctl.sandbox.apiserver.validation.istio.rules.server_tls import server_tls

_LOCAL = ("", "127.0.0.1", "0.0.0.0", "::1", "::")
_UNIQUE_PORT = "sidecar: ports on IP bound listeners must be unique"
_UNSUPPORTED_TLS = {
    "subjectAltNames": "subjectAltNames is not supported in ingress tls",
    "httpsRedirect": "httpsRedirect is not supported",
    "credentialName": "credentialName is not currently supported",
    "credentialNames": "credentialNames is not currently supported",
    "tlsCertificates": "tls_certificates is not currently supported",
}


def sidecar(spec: Record, namespace: str) -> Problems:
    """A Sidecar's spec; an unfit selector or an empty spec is the only error."""
    selector = list(networking_selector(spec.workloadSelector, "sidecar"))
    unfit = [problem for problem in selector if not problem.warning]
    parts = ("egress", "ingress", "outboundTrafficPolicy", "inboundConnectionPool")
    if unfit:
        yield from unfit
        return
    if not any(spec.holds(part) for part in parts):
        yield error("sidecar: empty configuration provided")
        return
    yield from selector
    yield from _ingress(spec.ingress)
    yield from connection_pool(spec.inboundConnectionPool)
    yield from _egress(spec.egress, namespace)
    yield from _outbound(spec.outboundTrafficPolicy)


def _ingress(listeners: Sequence[Record]) -> Problems:
    seen: set[int] = set()
    for listener in listeners:
        if listener.port is None:
            yield error("sidecar: port is required for ingress listeners")
            continue
        if listener.port.targetPort:
            yield error("targetPort has no impact on Sidecars")
        yield from _port(listener.port)
        if listener.bind:
            yield from names.address(listener.bind)
        if listener.port.number in seen:
            yield error(_UNIQUE_PORT)
        seen.add(listener.port.number)
        yield from _ingress_listener(listener)


def _ingress_listener(listener: Record) -> Problems:
    if listener.defaultEndpoint:
        yield from _default_endpoint(listener.defaultEndpoint)
    if listener.tls is not None:
        yield from _ingress_tls(listener.tls, listener.port.protocol)
    pool, port = listener.connectionPool, listener.port
    yield from connection_pool(pool)
    if pool is not None and pool.http is not None and not protocol.is_http(port.protocol):
        given = f"HTTP connection pool settings are configured for port {port.number} ({quote(port.name)})"
        effect = f"but its protocol is not HTTP ({port.protocol}); only TCP settings will apply"
        yield warning(f"sidecar: {given} {effect}")


def _port(port: Record) -> Problems:
    if port.name:
        yield from names.port_name(port.name)
    yield from protocol.known(port.protocol)
    yield from names.port(port.number)


def _default_endpoint(endpoint: str) -> Problems:
    if endpoint.startswith(names.UNIX_PREFIX):
        yield from names.unix_address(endpoint.removeprefix(names.UNIX_PREFIX))
        return
    host, port, wrong = _split(endpoint)
    yield from wrong
    if host not in _LOCAL:
        forms = "127.0.0.1:<port>,0.0.0.0:<port>,[::1]:port,[::]:port,unix://filepath or unset"
        yield error(f"sidecar: defaultEndpoint must be of form {forms}")
    if not re.fullmatch("[+-]?[0-9]+", port):
        reason = f"strconv.Atoi: parsing {quote(port)}: invalid syntax"
        yield error(f"sidecar: defaultEndpoint port ({port}) is not a number: {reason}")
    else:
        yield from names.port(int(port))


def _split(endpoint: str) -> tuple[str, str, list[Problem]]:
    """Host and port of `host:port` or `[host]:port`, and what is wrong with it, as Go's net says."""
    found = re.fullmatch(r"\[([^\]]*)\]:(.*)|([^:]*):([^:]*)", endpoint)
    if found:
        return found[1] or found[3] or "", found[2] or found[4] or "", []
    bare = ":" not in endpoint or endpoint.endswith("]")
    reason = "missing port in address" if bare else "too many colons in address"
    return "", "", [error(f"address {endpoint}: {reason}")]


def _ingress_tls(tls: Record, port_protocol: str) -> Problems:
    for field, text in _UNSUPPORTED_TLS.items():
        if tls[field]:
            yield error(f"sidecar: {text}")
    if tls.mode in ("ISTIO_MUTUAL", "AUTO_PASSTHROUGH"):
        yield error(f"configuration is invalid: cannot set mode to {tls.mode} in sidecar ingress tls")
    if not protocol.is_tls(port_protocol):
        yield error("server cannot have TLS settings for non HTTPS/TLS ports")
    yield from server_tls(tls)


def _egress(listeners: Sequence[Record], namespace: str) -> Problems:
    ports: set[int] = set()
    sockets: set[str] = set()
    for at, listener in enumerate(listeners):
        if listener.port is None:
            if at < len(listeners) - 1:
                yield error("sidecar: the egress listener with empty port should be the last listener in the list")
        else:
            yield from _egress_port(listener)
            yield from _repeated(listener, ports, sockets)
        if not listener.hosts:
            yield error("sidecar: egress listener must contain at least one host")
        yield from _egress_hosts(listener.hosts, namespace)


def _repeated(listener: Record, ports: set[int], sockets: set[str]) -> Problems:
    number = listener.port.number
    if number == 0:
        if listener.bind in sockets:
            yield error("sidecar: unix domain socket values for listeners must be unique")
        sockets.add(listener.bind)
    elif number in ports:
        yield error(_UNIQUE_PORT)
    ports.add(number)


def _egress_port(listener: Record) -> Problems:
    port, bind = listener.port, listener.bind
    if port.targetPort:
        yield error("targetPort has no impact on Sidecars")
    if port.number:
        yield from _port(port)
        if bind:
            yield from names.address(bind)
        return
    if port.name:
        yield from names.port_name(port.name)
    yield from protocol.known(port.protocol)
    if bind.startswith(names.UNIX_PREFIX):
        yield from names.unix_address(bind.removeprefix(names.UNIX_PREFIX))
    else:
        yield error("sidecar: ports with 0 value must have a unix domain socket bind address")
    if listener.captureMode not in ("DEFAULT", "NONE"):
        yield error("sidecar: captureMode must be DEFAULT/NONE for unix domain socket listeners")


def _egress_hosts(hosts: Sequence[str], namespace: str) -> Problems:
    seen: dict[str, set[str]] = {}
    for host in hosts:
        owner, slash, name = host.partition("/")
        if slash and not owner.startswith("~"):
            known = seen.setdefault(namespace if owner == "." else owner, set())
            if (known and name == "*") or known & {name, "*"}:
                yield warning(f"duplicated egress host: {host}")
            known.add(name)
        yield from names.namespaced_host(host, gateway=False)
    if "*" in seen.get("*", ()) and len(seen) != 1:
        yield warning("`*/*` host select all resources, no other hosts can be added")


def _outbound(policy: Record | None) -> Problems:
    if policy is None or policy.egressProxy is None:
        return
    if policy.mode != "ALLOW_ANY":
        yield error("sidecar: egress_proxy must be set only with ALLOW_ANY outbound_traffic_policy mode")
        return
    yield from names.domain(policy.egressProxy.host)
    if policy.egressProxy.port is None:
        yield error("sidecar: egress_proxy port must be non-nil")
    else:
        yield from destination(policy.egressProxy)
