"""Rows of Services and what leads to them."""

from __future__ import annotations

from typing import Any

from meshctl.sandbox.apiserver.table.values import (
    NONE,
    UNSET,
    Object,
    age,
    joined,
    name,
    pairs,
    selector,
    shortened,
    spec,
    status,
)

WIDE = 16


def service(obj: Object) -> list[Any]:
    """Name, type, cluster IP, external IP, ports, age, selector."""
    given = spec(obj)
    address = next(iter(given.get("clusterIPs") or ()), given.get("clusterIP")) or NONE
    ports = joined(_port(one) for one in given.get("ports") or ()) or NONE
    row = [name(obj), given.get("type", ""), address, _external(obj), ports, age(obj)]
    return [*row, pairs(given.get("selector"))]


def _port(port: Object) -> str:
    node = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port['port']}{node}/{port.get('protocol', 'TCP')}"


def _external(obj: Object) -> str:
    given = spec(obj)
    kind, addresses = given.get("type"), list(given.get("externalIPs") or ())
    if kind == "ExternalName":
        return str(given.get("externalName", ""))
    if kind == "LoadBalancer":
        balanced = _balanced(obj)
        found = ([balanced] if balanced else []) + addresses
        return joined(found) or "<pending>"
    return joined(addresses) or NONE


def _balanced(obj: Object) -> str:
    found = (status(obj).get("loadBalancer") or {}).get("ingress") or ()
    # A load balancer's addresses are a set in the original, printed in order.
    text = joined(sorted({one.get("ip") or one.get("hostname") or "" for one in found} - {""}))
    return text if len(text) <= WIDE else f"{text[: WIDE - 3]}..."


def endpoints(obj: Object) -> list[Any]:
    """Name, endpoints, age."""
    found = [
        f"{address['ip']}:{port['port']}"
        for subset in obj.get("subsets") or ()
        for port in subset.get("ports") or ()
        for address in subset.get("addresses") or ()
    ]
    bare = [
        address["ip"]
        for subset in obj.get("subsets") or ()
        if not subset.get("ports")
        for address in subset.get("addresses") or ()
    ]
    return [name(obj), shortened([*bare, *found], 3), age(obj)]


def endpoint_slice(obj: Object) -> list[Any]:
    """Name, address type, ports, endpoints, age."""
    addresses = [address for one in obj.get("endpoints") or () for address in one.get("addresses") or ()]
    ports = [_slice_port(one) for one in obj.get("ports") or ()]
    shown = shortened(ports, 3) if ports else UNSET
    return [
        name(obj),
        obj.get("addressType", ""),
        shown,
        shortened(addresses, 3) if addresses else UNSET,
        age(obj),
    ]


def _slice_port(port: Object) -> str:
    return str(port["port"]) if port.get("port") is not None else "*"


def ingress(obj: Object) -> list[Any]:
    """Name, class, hosts, addresses, ports, age."""
    given = spec(obj)
    hosts = [rule["host"] for rule in given.get("rules") or () if rule.get("host")]
    addresses = (status(obj).get("loadBalancer") or {}).get("ingress") or ()
    text = joined(one.get("ip") or one.get("hostname") or "" for one in addresses)
    row = [name(obj), given.get("ingressClassName") or NONE, shortened(hosts, 3) if hosts else "*", text]
    return [*row, "80, 443" if given.get("tls") else "80", age(obj)]


def ingress_class(obj: Object) -> list[Any]:
    """Name, controller, parameters, age."""
    parameters = spec(obj).get("parameters")
    text = NONE
    if parameters:
        group = f".{parameters['apiGroup']}" if parameters.get("apiGroup") else ""
        text = f"{parameters['kind']}{group}/{parameters['name']}"
    return [name(obj), spec(obj).get("controller", ""), text, age(obj)]


def network_policy(obj: Object) -> list[Any]:
    """Name, pod selector, age."""
    return [name(obj), selector(spec(obj).get("podSelector")), age(obj)]


def ip_address(obj: Object) -> list[Any]:
    """Name, parent."""
    parent = spec(obj).get("parentRef") or {}
    parts = [parent.get(key) for key in ("resource", "namespace", "name")]
    return [name(obj), "/".join(filter(None, parts))]


def service_cidr(obj: Object) -> list[Any]:
    """Name, CIDRs, age."""
    return [name(obj), joined(spec(obj).get("cidrs") or ()), age(obj)]
