"""Rules of WorkloadEntries and WorkloadGroups."""

from __future__ import annotations

import re
from collections.abc import Collection

from meshctl.sandbox.apiserver.validation.golang import quote
from meshctl.sandbox.apiserver.validation.istio.decoding import Record
from meshctl.sandbox.apiserver.validation.istio.problem import Problem, Problems, error, joined, warning
from meshctl.sandbox.apiserver.validation.istio.rules import names

_COUNTS = ("periodSeconds", "initialDelaySeconds", "timeoutSeconds", "successThreshold", "failureThreshold")


def workload_entry(entry: Record, service_ports: Collection[str] | None = None, static: bool = False) -> Problems:
    """An endpoint; `service_ports`: those of its ServiceEntry, `static`: an address, no name."""
    address = entry.address
    if not address and not entry.network:
        yield error("address is required")
        return
    if not address:
        yield warning(f"address is unset with network {quote(entry.network)}")
    unix = address.startswith(names.UNIX_PREFIX)
    if unix:
        yield from names.unix_address(address.removeprefix(names.UNIX_PREFIX))
        if entry.ports:
            yield error(f"unix endpoint {address} must not include ports")
    elif address and not names.is_address(address):
        yield from _named(address, static)
    yield from endpoint_ports(entry, service_ports)
    yield from names.tags(entry.labels)
    if unix and service_ports is not None and len(service_ports) != 1:
        yield error("exactly 1 service port required for unix endpoints")


def _named(address: str, static: bool) -> Problems:
    if static:
        yield error(f"endpoint address {quote(address)} is not a valid IP address")
    elif any(names.domain(address)):
        yield error(f"endpoint address {quote(address)} is not a valid FQDN or an IP address")


def endpoint_ports(entry: Record, service_ports: Collection[str] | None) -> Problems:
    """The ports of an endpoint by the names of its service's ports."""
    for name, port in entry.ports.items():
        if service_ports is not None and name not in service_ports:
            yield error(f"endpoint port {port} is not defined by the service entry")
        yield from names.port_name(name)
        yield from names.port(port)


def workload_group(group: Record) -> Problems:
    """A WorkloadGroup's spec."""
    if group.template is None:
        yield error("template is required")
        return
    wrong = list(names.tags(group.metadata.labels)) if group.metadata is not None else []
    if wrong:
        yield Problem(f"invalid labels: {joined(wrong)}")
    elif group.probe is not None:
        yield from _probe(group.probe)


def _probe(probe: Record) -> Problems:
    for field in _COUNTS:
        if probe[field] < 0:
            yield error(f"{field} must be non-negative")
    if probe.httpGet is not None:
        yield from _http_probe(probe.httpGet)
    elif probe.tcpSocket is not None:
        yield from names.port(probe.tcpSocket.port)
    elif probe.exec is not None:
        if not probe.exec.command:
            yield error("exec.command is required")
    else:
        kind = "*v1alpha3.ReadinessProbe_Grpc" if probe.grpc is not None else "<nil>"
        yield error(f"unknown health check method {kind}")


def _http_probe(check: Record) -> Problems:
    yield from names.port(check.port)
    if check.scheme not in ("", "HTTPS", "HTTP"):
        yield error('httpGet.scheme must be one of "HTTPS", "HTTP"')
    for header in check.httpHeaders:
        if not header.name:
            yield error("header name cannot be empty")
        elif not re.fullmatch("[-A-Za-z0-9]+", header.name):
            yield error(f"header name {header.name} is not a valid header name")
