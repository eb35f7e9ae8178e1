"""Filter chains of outbound TCP and TLS ports, with the TCP and TLS routes of VirtualServices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from meshctl.sandbox.xds import cluster_name, dynamic_dns, tcp_proxy
from meshctl.sandbox.xds.configs import Config, selects
from meshctl.sandbox.xds.filter_chains import Chain
from meshctl.sandbox.xds.hosts import overlap
from meshctl.sandbox.xds.message import Json
from meshctl.sandbox.xds.place import Place, Site
from meshctl.sandbox.xds.service import UNSPECIFIED, Port, Service
from meshctl.sandbox.xds.virtual_hosts import alternatives
from meshctl.sandbox.xds.virtual_services import MESH_GATEWAY

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Destination:
    """A service port and the address that its listener stands for; `cidrs` if that is a whole network."""

    service: Service
    port: Port
    bind: str
    cidrs: tuple[str, ...] = ()


def chains(site: Site, destination: Destination, configs: Iterable[Config]) -> Iterator[Chain]:
    """The chains that VirtualServices of the host ask for, else one to the service (Istio core/tls.go)."""
    host = destination.service.hostname
    own = [config for config in configs if any(overlap(name, host) for name in config.spec["hosts"])]
    if destination.port.protocol.is_tls:
        return _tls_chains(site, destination, own)
    return _tcp_chains(site, destination, own)


def _tls_chains(site: Site, destination: Destination, configs: Sequence[Config]) -> Iterator[Chain]:
    place = _place(site, destination)
    handled: set[tuple[tuple[str, ...], tuple[str, ...]]] = set()
    cidrs = destination.cidrs
    for config, route in _routes(configs, "tls"):
        for condition in route.get("match") or ():
            if not _applies(condition, place):
                continue
            # A subnet once named holds for the conditions after it too, as Istio has it.
            cidrs = tuple(condition.get("destinationSubnets") or cidrs)
            names = tuple(condition.get("sniHosts") or ())
            key = (names, tuple(condition.get("destinationSubnets") or ()))
            if key not in handled:
                handled.add(key)
                yield _chain(config, route, place, destination, sni_hosts=names, cidrs=cidrs)
    if not handled:
        yield _to_service(site, destination, _sni_hosts(site, destination))


def _tcp_chains(site: Site, destination: Destination, configs: Sequence[Config]) -> Iterator[Chain]:
    place = _place(site, destination)
    covered = False
    for config, route in _routes(configs, "tcp"):
        conditions = [c for c in route.get("match") or () if _applies(c, place)]
        if not route.get("match") or any(not c.get("destinationSubnets") for c in conditions):
            yield _chain(config, route, place, destination, cidrs=destination.cidrs)
            return
        subnets = [subnet for c in conditions for subnet in c["destinationSubnets"]]
        if subnets:
            yield Chain(_filters(config, route, place, destination), destinations=tuple(subnets))
            covered = covered or sorted(subnets) == sorted(destination.cidrs)
    if not covered:
        yield _to_service(site, destination, ())


def _routes(configs: Iterable[Config], kind: str) -> Iterator[tuple[Config, Fields]]:
    for config in configs:
        for route in config.spec.get(kind) or ():
            if route.get("route"):
                yield config, route


def _applies(condition: Fields, place: Place) -> bool:
    """What is known beforehand: gateway, labels and namespace of the proxy, and the port."""
    proxy = place.site.proxy
    gateways, port, namespace = (condition.get(key) for key in ("gateways", "port", "sourceNamespace"))
    return (
        (not gateways or place.gateway in gateways)
        and selects(condition.get("sourceLabels"), proxy.labels)
        and (not port or port == place.port)
        and (not namespace or namespace == proxy.namespace)
    )


def _chain(
    config: Config,
    route: Fields,
    place: Place,
    destination: Destination,
    *,
    cidrs: tuple[str, ...],
    sni_hosts: tuple[str, ...] = (),
) -> Chain:
    metadata = {"filter_metadata": {"istio": {"config": config.path("virtual-service")}}}
    filters = _filters(config, route, place, destination)
    return Chain(filters, sni_hosts=sni_hosts, destinations=cidrs, metadata=metadata)


def _filters(config: Config, route: Fields, place: Place, destination: Destination) -> list[Json]:
    return tcp_proxy.of_routes(config, route["route"], destination.port.protocol, place)


def _to_service(site: Site, destination: Destination, sni_hosts: tuple[str, ...]) -> Chain:
    service = destination.service
    number = service.ports[0].number if len(service.ports) == 1 else destination.port.number
    cluster = cluster_name.outbound(number, "", service.hostname)
    proxy = tcp_proxy.to_cluster(cluster, site.log, site.rule(service.hostname))
    filters = tcp_proxy.stack(destination.port.protocol, proxy, cluster)
    if destination.port.protocol.is_tls and dynamic_dns.applies(service):
        filters = [dynamic_dns.sni_filter(service, destination.port.number, site.proxy), *filters]
    return Chain(filters, sni_hosts=sni_hosts, destinations=destination.cidrs)


def _sni_hosts(site: Site, destination: Destination) -> tuple[str, ...]:
    """Where several services share an address, only the name that the client asks for tells them apart."""
    service = destination.service
    address = service.address_for(site.proxy.cluster)
    shared = address == UNSPECIFIED and destination.bind == UNSPECIFIED
    if not (destination.cidrs or "/" in address or shared or dynamic_dns.applies(service)):
        return ()
    names = [service.hostname]
    for alias in service.aliases:
        names += [alias, *alternatives(alias, site.proxy.namespace, site.settings.domain)]
    return tuple(names)


def _place(site: Site, destination: Destination) -> Place:
    return Place(site, destination.port.number, MESH_GATEWAY, site.by_host.get)
