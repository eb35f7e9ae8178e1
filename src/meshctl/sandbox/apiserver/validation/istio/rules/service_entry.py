"""Rules of ServiceEntries."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from meshctl.sandbox.apiserver.validation.golang import quote
from meshctl.sandbox.apiserver.validation.istio.decoding import Record
from meshctl.sandbox.apiserver.validation.istio.problem import Problem, Problems, error, warning
from meshctl.sandbox.apiserver.validation.istio.rules import names, protocol
from meshctl.sandbox.apiserver.validation.istio.rules.selector import networking_selector
from meshctl.sandbox.apiserver.validation.istio.rules.visibility import export_to
from meshctl.sandbox.apiserver.validation.istio.rules.workload import endpoint_ports, workload_entry


def service_entry(entry: Record, namespace: str, labels: Mapping[str, str]) -> Problems:
    """A ServiceEntry's spec; an unfit selector ends the check."""
    selector = list(networking_selector(entry.workloadSelector, "service entry"))
    yield from selector
    if any(not problem.warning for problem in selector):
        return
    if entry.workloadSelector is not None and entry.endpoints:
        yield error("only one of WorkloadSelector or Endpoints is allowed in Service Entry")
    yield from _hosts(entry)
    yield from _addresses(entry)
    yield from _ports(entry, labels)
    yield from _resolution(entry, labels)
    if entry.resolution != "NONE" and len(entry.hosts) > 1 and not all(map(_tells_hosts, entry.ports)):
        yield error("multiple hosts provided with non-HTTP, non-TLS ports")
    yield from export_to(namespace, entry.exportTo, service_entry=True)


def _tells_hosts(port: Record) -> bool:
    return protocol.is_http(port.protocol) or protocol.is_tls(port.protocol)


def _hosts(entry: Record) -> Problems:
    if not entry.hosts:
        yield error("service entry must have at least one host")
    for host in entry.hosts:
        if host == "*":
            yield error(f"invalid host {host}")
            continue
        yield from names.wildcard_domain(host)
        if entry.resolution != "DYNAMIC_DNS":
            yield from (warning(problem.text) for problem in names.partial_wildcard(host))


def _addresses(entry: Record) -> Problems:
    for address in entry.addresses:
        yield from names.subnet(address)
    if any("/" in address for address in entry.addresses) and entry.resolution not in ("NONE", "STATIC"):
        yield error("CIDR addresses are allowed only for NONE/STATIC resolution types")


def _ports(entry: Record, labels: Mapping[str, str]) -> Problems:
    allocated = labels.get("networking.istio.io/enable-autoallocate-ip", "true").lower() != "false"
    seen: set[str | int] = set()
    for port in entry.ports:
        if port.name in seen:
            yield error(f"service entry port name {quote(port.name)} already defined")
        if port.number in seen:
            yield error(f"service entry port {port.number} already defined")
        seen |= {port.name, port.number}
        if port.targetPort:
            yield from names.port(port.targetPort)
        if not entry.addresses and not allocated and port.protocol in ("", "TCP"):
            reason = "when IP Autoallocation is not enabled"
            yield warning(f"addresses are required for ports serving TCP (or unset) protocol {reason}")
        yield from names.port_name(port.name)
        yield from protocol.known(port.protocol)
        yield from names.port(port.number)


def _resolution(entry: Record, labels: Mapping[str, str]) -> Problems:
    port_names = [port.name for port in entry.ports]
    match entry.resolution:
        case "NONE":
            if entry.endpoints:
                yield error("no endpoints should be provided for resolution type none")
            if entry.workloadSelector is not None:
                yield warning("workloadSelector should not be set when resolution mode is NONE")
        case "STATIC":
            for endpoint in entry.endpoints:
                yield from workload_entry(endpoint, port_names, static=True)
        case "DNS" | "DNS_ROUND_ROBIN":
            yield from _by_name(entry, port_names)
        case "DYNAMIC_DNS":
            yield from _dynamic(entry, labels)
        case _:
            yield error("unsupported resolution type ")


def _by_name(entry: Record, port_names: Collection[str]) -> Problems:
    if not entry.endpoints:
        yield from _unresolvable(entry)
    if entry.resolution == "DNS_ROUND_ROBIN" and len(entry.endpoints) > 1:
        yield error(f"there must only be 0 or 1 endpoint for resolution mode {entry.resolution}")
    for endpoint in entry.endpoints:
        address = endpoint.address
        if not names.is_address(address) and any(names.domain(address)):
            yield error(f"endpoint address {quote(address)} is not a valid FQDN or an IP address")
        yield from names.tags(endpoint.labels)
        yield from endpoint_ports(endpoint, port_names)
    streams = any(protocol.is_tcp(port.protocol) for port in entry.ports)
    if entry.addresses and streams and len(entry.hosts) > 1:
        yield warning(
            "service entry can not have more than one host specified simultaneously with address and tcp port"
        )


def _unresolvable(entry: Record) -> list[Problem]:
    for host in entry.hosts:
        for problem in names.domain(host):
            wanted = "hosts must be FQDN or contain only prefix wildcards if no endpoints are provided"
            return [error(f"{wanted} for resolution mode {entry.resolution}, {problem.text}")]
    return []


def _dynamic(entry: Record, labels: Mapping[str, str]) -> Problems:
    mode = entry.resolution
    if not entry.hosts:
        yield error(f"at least one wildcard host must be provided for resolution type {mode}")
    for host in entry.hosts:
        if not host.startswith("*"):
            yield error(f"host must be wildcarded for resolution mode {mode}")
    if entry.addresses:
        reason = "HTTP route domains will only be generatedfrom the hosts field values"
        yield error(f"addresses cannot be set for resolution type {mode}. {reason}")
    if entry.endpoints:
        reason = "Destination IP address determined from hostsfield values"
        yield error(f"endpoints cannot be set for resolution type {mode}. {reason}")
    for port in entry.ports:
        if port.protocol.lower() not in ("http", "tls", "grpc", "http2"):
            yield error(f"only HTTP, TLS, GRPC, and HTTP2 protocols are supported for resolution type {mode}")
    if entry.location == "MESH_INTERNAL" and labels.get("istio.io/use-waypoint", "none").lower() not in (
        "",
        "none",
    ):
        yield error(f"location MESH_INTERNAL with resolution type {mode} is not supported when using waypoints")
