"""What leads to Services: every address and port of theirs, and the endpoints behind it; pure values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from meshctl.sandbox.controllers.services import slices
from meshctl.sandbox.controllers.services.endpoints import is_ipv4

Seen = Mapping[str, Any]
# Someone else cares for such a Service.
PROXY_NAME = "service.kubernetes.io/service-proxy-name"


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """Where a connection may end; one that is not ready is only terminating, and serves if nobody else does."""

    address: str
    port: int
    node: str = ""
    ready: bool = True


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One port of a Service with its ways in; `inside` and `outside` say whose endpoints a node uses: all, its own
    only (`Local`), or its own if it has any (`Near`)."""

    name: str
    protocol: str
    port: int
    address: str
    externals: tuple[str, ...] = ()
    node_port: int = 0
    endpoints: tuple[Endpoint, ...] = ()
    inside: str = "Cluster"
    outside: str = "Cluster"
    sticky: bool = False


def of(services: Iterable[Seen], found: Iterable[Seen]) -> list[ServicePort]:
    """The ports of all Services that have an address, by name; `found` are the EndpointSlices."""
    behind: dict[tuple[str, str], list[Seen]] = {}
    for one in found:
        if one.get("addressType") == "IPv4":
            behind.setdefault((one["metadata"]["namespace"], slices.service_name(one)), []).append(one)
    made = [
        port
        for one in services
        if _has_address(one)
        for port in _ports(one, behind.get((one["metadata"]["namespace"], one["metadata"]["name"]), ()))
    ]
    return sorted(made, key=lambda one: (one.name, one.protocol, one.port))


def _has_address(service: Seen) -> bool:
    spec = service["spec"]
    own = PROXY_NAME not in (service["metadata"].get("labels") or {})
    return own and spec.get("type") != "ExternalName" and is_ipv4(spec.get("clusterIP") or "")


def _ports(service: Seen, behind: Iterable[Seen]) -> Iterator[ServicePort]:
    spec, metadata, found = service["spec"], service["metadata"], list(behind)
    near = spec.get("trafficDistribution") == "PreferSameNode"
    for one in spec.get("ports") or ():
        protocol = one.get("protocol") or "TCP"
        yield ServicePort(
            f"{metadata['namespace']}/{metadata['name']}",
            protocol.lower(),
            one["port"],
            spec["clusterIP"],
            externals(service),
            one.get("nodePort") or 0,
            tuple(sorted(_endpoints(found, one.get("name") or "", protocol))),
            "Local" if spec.get("internalTrafficPolicy") == "Local" else "Near" if near else "Cluster",
            "Local" if spec.get("externalTrafficPolicy") == "Local" else "Near" if near else "Cluster",
            spec.get("sessionAffinity") == "ClientIP",
        )


def externals(service: Seen) -> tuple[str, ...]:
    """The addresses outside of the cluster by which a Service is reached."""
    balancers = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    given = [one["ip"] for one in balancers if one.get("ip") and one.get("ipMode") != "Proxy"]
    every = [*(service["spec"].get("externalIPs") or ()), *given]
    return tuple(dict.fromkeys(one for one in every if is_ipv4(one)))


def _endpoints(found: Iterable[Seen], name: str, protocol: str) -> Iterator[Endpoint]:
    for one in found:
        for port in one.get("ports") or ():
            if (port.get("name") or "") == name and (port.get("protocol") or "TCP") == protocol and port.get("port"):
                for endpoint in one.get("endpoints") or ():
                    yield from _usable(endpoint, port["port"])


def _usable(endpoint: Seen, port: int) -> Iterator[Endpoint]:
    conditions = endpoint.get("conditions") or {}
    ready = conditions.get("ready") is not False
    usable = ready or (conditions.get("terminating") and conditions.get("serving"))
    if usable and is_ipv4(endpoint["addresses"][0]):
        yield Endpoint(endpoint["addresses"][0], port, endpoint.get("nodeName") or "", ready)


def chosen(found: Iterable[Endpoint], policy: str, node: str) -> tuple[Endpoint, ...]:
    """The endpoints that a node uses: those that are ready, else those that still serve."""
    every = tuple(found)
    own = tuple(one for one in every if one.node == node)
    if policy == "Local":
        return _best(own)
    return _best(own) or _best(every) if policy == "Near" and any(one.ready for one in own) else _best(every)


def _best(found: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    return tuple(one for one in found if one.ready) or found
