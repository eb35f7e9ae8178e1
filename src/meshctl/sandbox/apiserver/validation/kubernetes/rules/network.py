"""Rules of Endpoints, EndpointSlices, Ingresses and NetworkPolicies."""

from __future__ import annotations

from collections.abc import Iterator

from meshctl.sandbox.apiserver.validation import names
from meshctl.sandbox.apiserver.validation.cause import Cause, duplicate, forbidden, invalid, required, unsupported
from meshctl.sandbox.apiserver.validation.kubernetes.rules.container import PROTOCOLS
from meshctl.sandbox.apiserver.validation.kubernetes.rules.pod import is_loopback
from meshctl.sandbox.apiserver.validation.kubernetes.rules.values import (
    Object,
    immutable,
    label_selector,
    one_of,
    port_number,
    port_value,
    wrong,
)

_ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")


def endpoints_causes(obj: Object) -> Iterator[Cause]:
    """An Endpoints object."""
    for at, subset in enumerate(obj.get("subsets") or ()):
        field = f"subsets[{at}]"
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            yield required(field, "must specify `addresses` or `notReadyAddresses`")
        for part in ("addresses", "notReadyAddresses"):
            for address_at, address in enumerate(subset.get(part) or ()):
                yield from _endpoint_address(address.get("ip") or "", f"{field}.{part}[{address_at}].ip")
        ports = subset.get("ports") or []
        for port_at, port in enumerate(ports):
            inner = f"{field}.ports[{port_at}]"
            if len(ports) > 1 and not port.get("name"):
                yield required(f"{inner}.name")
            yield from port_number(f"{inner}.port", port.get("port"))
            yield from one_of(f"{inner}.protocol", port.get("protocol"), PROTOCOLS, needed=True)


def _endpoint_address(address: str, field: str) -> Iterator[Cause]:
    faults = names.address(address)
    yield from wrong(field, address, faults)
    if faults:
        return
    if is_loopback(address):
        yield invalid(field, address, "may not be in the loopback range (127.0.0.0/8, ::1/128)")
    if address in ("0.0.0.0", "::"):
        yield invalid(field, address, f"may not be unspecified ({address})")
    if address.startswith("169.254."):
        yield invalid(field, address, "may not be in the link-local range (169.254.0.0/16, fe80::/10)")


def endpoint_slice_causes(obj: Object) -> Iterator[Cause]:
    """An EndpointSlice."""
    kind = obj.get("addressType") or ""
    if not kind:
        yield required("addressType")
    elif kind not in _ADDRESS_TYPES:
        yield unsupported("addressType", kind, _ADDRESS_TYPES)
    for at, endpoint in enumerate(obj.get("endpoints") or ()):
        field = f"endpoints[{at}]"
        addresses = endpoint.get("addresses") or []
        if not addresses:
            yield required(f"{field}.addresses", "must contain at least 1 address")
        for address_at, address in enumerate(addresses):
            yield from _slice_address(address, kind, f"{field}.addresses[{address_at}]")
        if endpoint.get("hostname"):
            yield from wrong(f"{field}.hostname", endpoint["hostname"], names.label(endpoint["hostname"]))
    yield from _slice_ports(obj)


def _slice_address(address: str, kind: str, field: str) -> Iterator[Cause]:
    if kind == "FQDN":
        yield from wrong(field, address, names.subdomain(address))
    elif kind in ("IPv4", "IPv6"):
        faults = names.address(address)
        if not faults and (":" in address) != (kind == "IPv6"):
            faults = [f"must be an {kind} address"]
        yield from wrong(field, address, faults)
        if not faults:
            yield from _endpoint_address(address, field)


def _slice_ports(obj: Object) -> Iterator[Cause]:
    seen: set[str] = set()
    for at, port in enumerate(obj.get("ports") or ()):
        field, name = f"ports[{at}]", port.get("name") or ""
        if name:
            yield from wrong(f"{field}.name", name, names.label(name))
        if name in seen:
            yield duplicate(f"{field}.name", name)
        seen.add(name)
        yield from one_of(f"{field}.protocol", port.get("protocol"), PROTOCOLS, needed=True)
        if port.get("port") is not None:
            yield from port_number(f"{field}.port", port["port"])


def endpoint_slice_change_causes(obj: Object, old: Object) -> Iterator[Cause]:
    """An EndpointSlice keeps its type of addresses."""
    yield from immutable("addressType", obj.get("addressType"), old.get("addressType"))


def ingress_causes(obj: Object) -> Iterator[Cause]:
    """An Ingress."""
    spec = obj.get("spec") or {}
    if not spec.get("rules") and spec.get("defaultBackend") is None:
        yield invalid("spec", spec, "either `defaultBackend` or `rules` must be specified")
    if spec.get("defaultBackend") is not None:
        yield from _backend(spec["defaultBackend"], "spec.defaultBackend")
    for at, rule in enumerate(spec.get("rules") or ()):
        yield from _rule(rule, f"spec.rules[{at}]")


def _rule(rule: Object, field: str) -> Iterator[Cause]:
    host = rule.get("host") or ""
    if host:
        if not names.address(host):
            yield invalid(f"{field}.host", host, "must be a DNS name, not an IP address")
        yield from wrong(f"{field}.host", host, names.subdomain(host.removeprefix("*.")))
    if rule.get("http") is None:
        return
    if not rule["http"].get("paths"):
        yield required(f"{field}.http.paths")
    for at, path in enumerate(rule["http"].get("paths") or ()):
        inner = f"{field}.http.paths[{at}]"
        kind = path.get("pathType")
        if not kind:
            yield required(f"{inner}.pathType", "pathType must be specified")
        elif kind not in _PATH_TYPES:
            yield unsupported(f"{inner}.pathType", kind, _PATH_TYPES)
        if kind in ("Exact", "Prefix") and not (path.get("path") or "").startswith("/"):
            yield invalid(f"{inner}.path", path.get("path") or "", "must be an absolute path")
        yield from _backend(path.get("backend") or {}, f"{inner}.backend")


def _backend(backend: Object, field: str) -> Iterator[Cause]:
    service, resource = backend.get("service"), backend.get("resource")
    if service is not None and resource is not None:
        yield invalid(field, "", "cannot set both resource and service backends")
    elif service is not None:
        if not service.get("name"):
            yield required(f"{field}.service.name")
        port = service.get("port") or {}
        if not port.get("name") and not port.get("number"):
            yield required(field, "port name or number is required")
        elif port.get("number"):
            yield from port_number(f"{field}.service.port.number", port["number"])
    elif resource is None:
        yield required(field, "resource or service backend is required")


def network_policy_causes(obj: Object) -> Iterator[Cause]:
    """A NetworkPolicy."""
    spec = obj.get("spec") or {}
    yield from label_selector("spec.podSelector", spec.get("podSelector"))
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for at, rule in enumerate(spec.get(direction) or ()):
            field = f"spec.{direction}[{at}]"
            for port_at, port in enumerate(rule.get("ports") or ()):
                yield from _policy_port(port, f"{field}.ports[{port_at}]")
            for peer_at, peer in enumerate(rule.get(peers) or ()):
                yield from _peer(peer, f"{field}.{peers}[{peer_at}]")
    for at, kind in enumerate(spec.get("policyTypes") or ()):
        yield from one_of(f"spec.policyTypes[{at}]", kind, ("Egress", "Ingress"))


def _policy_port(port: Object, field: str) -> Iterator[Cause]:
    yield from one_of(f"{field}.protocol", port.get("protocol"), PROTOCOLS)
    if port.get("port") is not None:
        yield from port_value(f"{field}.port", port["port"])


def _peer(peer: Object, field: str) -> Iterator[Cause]:
    if not peer:
        yield required(field, "must specify a peer")
    for name in ("podSelector", "namespaceSelector"):
        yield from label_selector(f"{field}.{name}", peer.get(name))
    block = peer.get("ipBlock")
    if block is None:
        return
    if len(peer) > 1:
        yield forbidden(field, "may not specify both ipBlock and another peer")
    yield from wrong(f"{field}.ipBlock.cidr", block.get("cidr") or "", names.block(block.get("cidr") or ""))
    for at, each in enumerate(block.get("except") or ()):
        yield from wrong(f"{field}.ipBlock.except[{at}]", each, names.block(each))
