"""Rules of Services."""

from __future__ import annotations

from collections.abc import Iterator

from meshctl.sandbox.apiserver.validation import names
from meshctl.sandbox.apiserver.validation.cause import Cause, duplicate, forbidden, invalid, required
from meshctl.sandbox.apiserver.validation.kubernetes.rules.container import PROTOCOLS
from meshctl.sandbox.apiserver.validation.kubernetes.rules.pod import is_loopback
from meshctl.sandbox.apiserver.validation.kubernetes.rules.values import (
    Object,
    one_of,
    port_number,
    port_value,
    wrong,
)
from meshctl.sandbox.apiserver.validation.metadata import label_causes

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")


def service_causes(obj: Object) -> Iterator[Cause]:
    """A Service, its addresses and node ports allocated or not."""
    spec = obj.get("spec") or {}
    kind = spec.get("type") or ""
    addresses = _addresses(spec)
    if not spec.get("ports") and "None" not in addresses and kind != "ExternalName":
        yield required("spec.ports")
    yield from _by_type(spec, kind, addresses)
    yield from _ports(spec, kind)
    yield from label_causes(spec.get("selector") or {}, "spec.selector")
    yield from one_of("spec.sessionAffinity", spec.get("sessionAffinity"), ("ClientIP", "None"), needed=True)
    yield from _affinity(spec)
    yield from _cluster_addresses(addresses, kind)
    for at, address in enumerate(spec.get("externalIPs") or ()):
        yield from _external_address(address, f"spec.externalIPs[{at}]")
    yield from one_of("spec.type", kind, _TYPES, needed=True)
    yield from _traffic_policies(spec, kind)
    for at, block in enumerate(spec.get("loadBalancerSourceRanges") or ()):
        yield from wrong(f"spec.loadBalancerSourceRanges[{at}]", block, names.block(block))


def _addresses(spec: Object) -> list[str]:
    single = spec.get("clusterIP")
    return list(spec.get("clusterIPs") or ([single] if single else []))


def _by_type(spec: Object, kind: str, addresses: list[str]) -> Iterator[Cause]:
    if kind == "ExternalName":
        name = spec.get("externalName") or ""
        if addresses and "None" not in addresses:
            yield forbidden("spec.clusterIPs", "may not be set for ExternalName services")
        if not name:
            yield required("spec.externalName")
        else:
            yield from wrong("spec.externalName", name, names.subdomain(name.removesuffix(".")))
    elif kind in ("NodePort", "LoadBalancer") and "None" in addresses:
        yield invalid("spec.clusterIPs[0]", "None", f"may not be set to 'None' for {kind} services")


def _ports(spec: Object, kind: str) -> Iterator[Cause]:
    ports = spec.get("ports") or []
    seen: set[str] = set()
    pairs: set[tuple[object, object]] = set()
    for at, port in enumerate(ports):
        field, name = f"spec.ports[{at}]", port.get("name") or ""
        if name:
            yield from wrong(f"{field}.name", name, names.label(name))
            if name in seen:
                yield duplicate(f"{field}.name", name)
            seen.add(name)
        elif len(ports) > 1:
            yield required(f"{field}.name")
        yield from port_number(f"{field}.port", port.get("port"))
        yield from one_of(f"{field}.protocol", port.get("protocol"), PROTOCOLS, needed=True)
        yield from _target(port, field, headless="None" in _addresses(spec))
        if kind in ("ClusterIP", "ExternalName") and port.get("nodePort"):
            yield forbidden(f"{field}.nodePort", f"may not be used when `type` is '{kind}'")
        pair = (port.get("protocol"), port.get("port"))
        if pair in pairs:
            yield duplicate(field, {"port": port.get("port"), "protocol": port.get("protocol")})
        pairs.add(pair)


def _target(port: Object, field: str, headless: bool) -> Iterator[Cause]:
    target = port.get("targetPort")
    if target is not None:
        yield from port_value(f"{field}.targetPort", target)
    if headless and isinstance(target, int) and target != port.get("port"):
        return
    protocol = port.get("appProtocol")
    if protocol is not None:
        yield from wrong(f"{field}.appProtocol", protocol, names.qualified_name(protocol))


def _affinity(spec: Object) -> Iterator[Cause]:
    config = spec.get("sessionAffinityConfig")
    if spec.get("sessionAffinity") == "None" and config is not None:
        yield forbidden("spec.sessionAffinityConfig", "must not be set when session affinity is None")
    seconds = ((config or {}).get("clientIP") or {}).get("timeoutSeconds")
    if seconds is not None and not 0 < seconds <= 86400:
        text = "must be greater than 0 and less than 86400"
        yield invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", seconds, text)


def _cluster_addresses(addresses: list[str], kind: str) -> Iterator[Cause]:
    if kind == "ExternalName":
        return
    for at, address in enumerate(addresses):
        if address == "None":
            if len(addresses) > 1:
                yield invalid("spec.clusterIPs", addresses, "'None' must be the first and only value")
        else:
            yield from wrong(f"spec.clusterIPs[{at}]", address, names.address(address))


def _external_address(address: str, field: str) -> Iterator[Cause]:
    faults = names.address(address)
    yield from wrong(field, address, faults)
    if faults:
        return
    if is_loopback(address):
        yield invalid(field, address, "may not be in the loopback range (127.0.0.0/8, ::1/128)")
    elif address in ("0.0.0.0", "::"):
        yield invalid(field, address, f"may not be unspecified ({address})")
    elif address.startswith("169.254."):
        yield invalid(field, address, "may not be in the link-local range (169.254.0.0/16, fe80::/10)")


def _traffic_policies(spec: Object, kind: str) -> Iterator[Cause]:
    external = spec.get("externalTrafficPolicy")
    if kind in ("NodePort", "LoadBalancer") or (spec.get("externalIPs") and kind == "ClusterIP"):
        yield from one_of("spec.externalTrafficPolicy", external, ("Cluster", "Local"))
    elif external:
        text = "may only be set for externally-accessible services"
        yield invalid("spec.externalTrafficPolicy", external, text)
    yield from one_of("spec.internalTrafficPolicy", spec.get("internalTrafficPolicy"), ("Cluster", "Local"))
    if spec.get("loadBalancerClass") and kind != "LoadBalancer":
        yield forbidden("spec.loadBalancerClass", "may only be used when `type` is 'LoadBalancer'")


def service_change_causes(obj: Object, old: Object) -> Iterator[Cause]:
    """A Service keeps its first cluster address unless its type says it has none."""
    spec, former = obj.get("spec") or {}, old.get("spec") or {}
    if "ExternalName" in (spec.get("type"), former.get("type")):
        return
    new, held = _addresses(spec), _addresses(former)
    if held and new[:1] != held[:1]:
        yield invalid("spec.clusterIPs[0]", new, "may not change once set")
