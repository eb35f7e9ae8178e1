"""Rules of VirtualServices."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from meshctl.sandbox.apiserver.validation.golang import quote, shown
from meshctl.sandbox.apiserver.validation.istio.decoding import Record
from meshctl.sandbox.apiserver.validation.istio.problem import Problems, error, errors_of, warning
from meshctl.sandbox.apiserver.validation.istio.rules import header, names
from meshctl.sandbox.apiserver.validation.istio.rules.http_route import http_route
from meshctl.sandbox.apiserver.validation.istio.rules.reachability import unused_rules
from meshctl.sandbox.apiserver.validation.istio.rules.route import destinations
from meshctl.sandbox.apiserver.validation.istio.rules.visibility import export_to


def virtual_service(service: Record, namespace: str) -> Problems:
    """A VirtualService's spec."""
    if not service.hosts:
        yield from _delegate(service)
    at_gateway = bool(service.gateways) and "mesh" not in service.gateways
    yield from names.gateway_names(service.gateways)
    if not at_gateway:
        yield from _claims(service)
    yield from _hosts(service, at_gateway)
    if not (service.http or service.tcp or service.tls):
        yield error("http, tcp or tls must be provided in virtual service")
    for route in service.http:
        yield from http_route(route, delegate=not service.hosts)
    for route in service.tls:
        yield from _tls_route(route, service)
    for route in service.tcp:
        yield from errors_of(_tcp_route(route))
    yield from export_to(namespace, service.exportTo)
    yield from unused_rules(service.http)
    yield from unused_rules(service.tcp)
    yield from unused_rules(service.tls)


def _delegate(service: Record) -> Problems:
    parts = {"gateways": "gateways", "tls": "tls route", "tcp": "tcp route"}
    for field, about in parts.items():
        if service[field]:
            yield error(f"delegate virtual service must have no {about} specified")


def _claims(service: Record) -> Problems:
    matches = [match for route in service.http for match in route.match]
    keys = [key for match in matches for part in (match.headers, match.withoutHeaders) for key in part]
    for key in keys:
        if header.is_claim(key):
            found = f"found no gateways: {shown(service.gateways)}"
            yield error(f"JWT claim based routing (key: {key}) is only supported for gateway, {found}")


def _hosts(service: Record, at_gateway: bool) -> Problems:
    sni = any(match.sniHosts for route in service.tls for match in route.match)
    fine = True
    for host in service.hosts:
        wrong = list(names.gateway_domain(host, sni) if at_gateway else names.wildcard_domain(host))
        if wrong and not names.is_address(host):
            yield from wrong
            fine = False
        elif not wrong and not at_gateway and host == "*":
            yield error("wildcard host * is not allowed for virtual services bound to the mesh gateway")
            fine = False
    if fine:
        for one, other in combinations(service.hosts, 2):
            if names.host_matches(one, other):
                yield error(f"duplicate hosts in virtual service: {one} & {other}")


def _tls_route(route: Record, service: Record) -> Problems:
    if not route.match:
        yield error("TLS route must have at least one match condition")
    for match in route.match:
        yield from _tls_match(match, service)
    if not route.route:
        yield error("TLS route is required")
    yield from destinations(route.route)


def _tls_match(match: Record, service: Record) -> Problems:
    if not match.sniHosts:
        yield error("TLS match must have at least one SNI host")
    for host in match.sniHosts:
        yield from _sni_host(host, service.hosts, at_gateway="mesh" not in service.gateways)
    yield from _stream_match(match)


def _sni_host(host: str, hosts: Sequence[str], at_gateway: bool) -> Problems:
    wrong = list(names.gateway_domain(host, sni=True) if at_gateway else names.wildcard_domain(host))
    if wrong and names.is_address(host):
        yield warning(f"using an IP address ({quote(host)}) goes against SNI spec and most clients do not support this")
    elif wrong:
        yield from wrong
    elif not any(names.host_within(host, each) for each in hosts):
        known = f"[{', '.join(hosts)}]"
        yield error(f"SNI host {quote(host)} is not a compatible subset of any of the virtual service hosts: {known}")


def _tcp_route(route: Record) -> Problems:
    for match in route.match:
        yield from _stream_match(match)
    if not route.route:
        yield error("TCP route is required")
    yield from destinations(route.route)


def _stream_match(match: Record) -> Problems:
    for subnet in match.destinationSubnets:
        yield from names.subnet(subnet)
    if match.port:
        yield from names.port(match.port)
    yield from names.tags(match.sourceLabels)
    yield from names.gateway_names(match.gateways)
