"""Services: cluster IPs, node ports, and the fields that come and go with the type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.failure import Cause, invalid, quote
from meshctl.sandbox.apiserver.storage.revision import dump
from meshctl.sandbox.apiserver.strategy.addresses import cluster_ips
from meshctl.sandbox.apiserver.strategy.strategy import Object, Strategy

Spec = dict[str, Any]
HEADLESS = "None"


def has_cluster_ip(spec: Mapping[str, Any]) -> bool:
    """Whether this type has a cluster IP, be it None."""
    return spec.get("type", "ClusterIP") in ("ClusterIP", "NodePort", "LoadBalancer")


def has_node_ports(spec: Mapping[str, Any]) -> bool:
    """Whether this type has node ports."""
    kind = spec.get("type")
    return kind == "NodePort" or (kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is not False)


def has_health_port(spec: Mapping[str, Any]) -> bool:
    """Whether load balancers ask nodes for this Service's health."""
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def default_address_mode(obj: Object) -> None:
    """A load balancer's address is virtual unless its status says otherwise."""
    if (obj.get("spec") or {}).get("type") == "LoadBalancer":
        for ingress in ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ():
            if ingress.get("ip"):
                ingress.setdefault("ipMode", "VIP")


def _created(_: Api, obj: Object) -> None:
    spec: Spec = obj.setdefault("spec", {})
    if spec.get("clusterIP") and not spec.get("clusterIPs"):
        spec["clusterIPs"] = [spec["clusterIP"]]
    _families(spec)


def _families(spec: Spec) -> None:
    if not has_cluster_ip(spec):
        return
    selectorless = spec.get("clusterIP") == HEADLESS and not spec.get("selector")
    both = selectorless and not spec.get("ipFamilyPolicy")
    spec.setdefault("ipFamilies", ["IPv4", "IPv6"] if both else ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "RequireDualStack" if both else "SingleStack")


def _updated(_: Api, obj: Object, old: Mapping[str, Any]) -> None:
    spec, before = obj.setdefault("spec", {}), old["spec"]
    _normalize(spec, before)
    _keep_allocated(spec, before)
    _drop(spec, before)
    if spec.get("type") != "LoadBalancer":
        obj["status"] = {"loadBalancer": {}}
    _families(spec)


def _normalize(spec: Spec, before: Mapping[str, Any]) -> None:
    single, plural = spec.get("clusterIP"), spec.get("clusterIPs")
    if not plural and single == before.get("clusterIP"):
        spec["clusterIPs"] = before.get("clusterIPs")
    elif single != before.get("clusterIP") and plural == before.get("clusterIPs"):
        spec["clusterIPs"] = [single] if single else None


def _keep_allocated(spec: Spec, before: Mapping[str, Any]) -> None:
    if has_cluster_ip(before) and has_cluster_ip(spec):
        for name in ("clusterIP", "clusterIPs"):
            if not spec.get(name) and before.get(name):
                spec[name] = before[name]
    if has_node_ports(before) and has_node_ports(spec):
        known = {_port_key(port): port.get("nodePort") for port in before.get("ports") or ()}
        used = {port.get("nodePort") for port in spec.get("ports") or ()}
        for port in spec.get("ports") or ():
            kept = known.get(_port_key(port))
            if not port.get("nodePort") and kept and kept not in used:
                port["nodePort"] = kept
    if has_health_port(before) and has_health_port(spec):
        spec["healthCheckNodePort"] = spec.get("healthCheckNodePort") or before.get("healthCheckNodePort")


def _port_key(port: Mapping[str, Any]) -> tuple[str, int]:
    return port.get("protocol", "TCP"), port.get("port", 0)


def _drop(spec: Spec, before: Mapping[str, Any]) -> None:
    if has_cluster_ip(before) and not has_cluster_ip(spec):
        for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"):
            if spec.get(name) == before.get(name):
                spec.pop(name, None)
    if has_node_ports(before) and not has_node_ports(spec):
        kept = [port.get("nodePort") for port in before.get("ports") or ()]
        for port in spec.get("ports") or ():
            if port.get("nodePort") in kept:
                port.pop("nodePort", None)
    if has_health_port(before) and not has_health_port(spec):
        spec.pop("healthCheckNodePort", None)
    if spec.get("type") not in ("NodePort", "LoadBalancer"):
        spec.pop("externalTrafficPolicy", None)
    if spec.get("type") != "LoadBalancer":
        spec.pop("allocateLoadBalancerNodePorts", None)


def _allocate(api: Api, obj: Object, old: Mapping[str, Any] | None) -> None:
    spec = obj["spec"]
    name = obj["metadata"].get("name", "")
    if has_cluster_ip(spec):
        _allocate_address(api, spec, name, cluster_ips(old) if old else [])
    if has_node_ports(spec):
        _allocate_ports(api, spec, name, old)
    if has_health_port(spec) and not spec.get("healthCheckNodePort"):
        chosen = [port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")]
        spec["healthCheckNodePort"] = api.addresses.port(("TCP",), chosen)


def _allocate_address(api: Api, spec: Spec, name: str, held: list[str]) -> None:
    wanted = spec.get("clusterIP")
    if wanted == HEADLESS:
        return
    if not wanted:
        wanted = api.addresses.address()
        if wanted is None:
            raise _invalid(name, "spec.clusterIPs", [], "failed to allocate a serviceIP: range is full")
        spec["clusterIP"], spec["clusterIPs"] = wanted, [wanted]
    elif wanted not in held:
        _claim(api, spec, wanted, name)


def _claim(api: Api, spec: Spec, wanted: str, name: str) -> None:
    if not api.addresses.contains(wanted):
        problem = "the provided network does not match the current range"
    elif api.addresses.is_taken(wanted):
        problem = "provided IP is already allocated"
    else:
        return
    raise _invalid(name, "spec.clusterIPs", spec.get("clusterIPs"), f"failed to allocate IP {wanted}: {problem}")


def _allocate_ports(api: Api, spec: Spec, name: str, old: Mapping[str, Any] | None) -> None:
    before = ((old or {}).get("spec") or {}).get("ports") or ()
    held = {(port.get("protocol", "TCP"), port.get("nodePort")) for port in before}
    chosen = [port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")]
    given: dict[int, int] = {}
    for index, port in enumerate(spec.get("ports") or ()):
        protocol, wanted = port.get("protocol", "TCP"), port.get("nodePort")
        if wanted and (protocol, wanted) not in held:
            _claim_port(api, name, index, protocol, wanted)
        elif not wanted:
            # One number serves both protocols of a port, as for DNS.
            port["nodePort"] = given.get(port["port"]) or api.addresses.port((protocol,), chosen)
            chosen.append(port["nodePort"])
        given[port["port"]] = port["nodePort"]


def _claim_port(api: Api, name: str, index: int, protocol: str, wanted: int) -> None:
    field, (first, last) = f"spec.ports[{index}].nodePort", api.addresses.ports
    if not first <= wanted <= last:
        message = f"provided port is not in the valid range. The range of valid ports is {first}-{last}"
        raise _invalid(name, field, wanted, message)
    if api.addresses.is_taken_port(protocol, wanted):
        raise _invalid(name, field, wanted, "provided port is already allocated")


def _invalid(name: str, field: str, value: object, message: str) -> Exception:
    shown = quote(value) if isinstance(value, str) else dump(value).decode()  # type: ignore[arg-type]
    return invalid("", "Service", name, [Cause(field, "FieldValueInvalid", f"Invalid value: {shown}: {message}")])


SERVICES = Strategy(
    status=lambda: {"loadBalancer": {}},
    create_on_update=True,
    returns_object=True,
    prepare_create=_created,
    prepare_update=_updated,
    allocate=_allocate,
)
