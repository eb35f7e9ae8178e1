"""What one proxy may see: services, VirtualServices and DestinationRules, narrowed by its Sidecar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from meshctl.sandbox.xds import destination_rules, protocol, virtual_services
from meshctl.sandbox.xds.configs import Config, selects
from meshctl.sandbox.xds.destination_rules import Rule
from meshctl.sandbox.xds.hosts import PUBLIC, is_wildcard, overlap, subset_of, visible
from meshctl.sandbox.xds.mesh import Mesh
from meshctl.sandbox.xds.proxy import Proxy
from meshctl.sandbox.xds.service import Origin, Port, Service
from meshctl.sandbox.xds.virtual_services import MESH_GATEWAY

_CURRENT, _ANY, _EXCLUDED = ".", "*", "~"


@dataclass(frozen=True, slots=True)
class EgressListener:
    """An egress entry of a Sidecar and what it imports; `spec` empty: the catch-all without one."""

    services: tuple[Service, ...]
    virtual_services: tuple[Config, ...]
    spec: Mapping[str, Any] = field(default_factory=dict)

    @property
    def port(self) -> int:
        """The port that it is for; 0: every port that no other entry names."""
        return (self.spec.get("port") or {}).get("number") or 0


@dataclass(frozen=True, slots=True)
class Scope:
    """What a proxy sees; `services` are those of all its egress listeners, in the order of their creation."""

    mesh: Mesh
    proxy: Proxy
    services: tuple[Service, ...]
    egress: tuple[EgressListener, ...]
    sidecar: Config | None = None

    def destination_rule(self, service: Service) -> Rule | None:
        """The rule that shapes this proxy's own clusters for a service."""
        found = self.mesh.destination_rules.visible(service, self.proxy.namespace)
        return destination_rules.select(found, self.proxy.labels, self.proxy.namespace)

    def server_rule(self, service: Service) -> Rule | None:
        """The rule that shapes the inbound cluster of a server: one without workload selector.

        A Sidecar that does not import the server's own service hides its rules, too.
        """
        if self.service(service.hostname) is None:
            return None
        found = self.mesh.destination_rules.visible(service, self.proxy.namespace)
        return destination_rules.select(found, None, self.proxy.namespace)

    def service(self, hostname: str) -> Service | None:
        """The visible service of that host."""
        return next((service for service in self.services if service.hostname == hostname), None)

    @property
    def outbound_mode(self) -> str:
        """What happens to traffic for unknown hosts: ALLOW_ANY or REGISTRY_ONLY."""
        policy = (self.sidecar.spec.get("outboundTrafficPolicy") or {}) if self.sidecar else {}
        return str(policy.get("mode") or self.mesh.config.outbound_mode)


def of(mesh: Mesh, proxy: Proxy) -> Scope:
    """The scope of a proxy; gateways have no Sidecar and import every service exported to their namespace."""
    if not proxy.is_sidecar:
        return _of_gateway(mesh, proxy)
    sidecar = _sidecar(mesh, proxy)
    entries = (sidecar.spec.get("egress") if sidecar else None) or [{"hosts": ["*/*"]}]
    egress = tuple(_listener(mesh, proxy.namespace, entry) for entry in entries)
    return Scope(mesh, proxy, _imported(mesh, proxy.namespace, egress), egress, sidecar)


def _of_gateway(mesh: Mesh, proxy: Proxy) -> Scope:
    """Of two services for one host a gateway sees Kubernetes', else the first, whatever the namespace."""
    found: dict[str, Service] = {}
    for service in exported(mesh, proxy.namespace):
        _add(found, service)
    services = tuple(found.values())
    return Scope(mesh, proxy, services, (EgressListener(services, ()),))


def exported(mesh: Mesh, namespace: str) -> list[Service]:
    """The services that a namespace sees: those exported to it by name before the public ones, oldest first."""
    seen = (service for service in mesh.registry.services if is_visible(service, namespace, mesh))
    default = mesh.config.service_export_to
    return sorted(seen, key=lambda service: PUBLIC in (service.export_to or default))


def is_visible(service: Service, namespace: str, mesh: Mesh) -> bool:
    """Whether a service is exported to a namespace."""
    return visible(service.export_to, service.namespace, namespace, mesh.config.service_export_to)


def _sidecar(mesh: Mesh, proxy: Proxy) -> Config | None:
    """The Sidecar with a selector that fits, else its namespace's, else the root namespace's as if it were its own."""
    own = mesh.configs.within("Sidecar", proxy.namespace)
    selecting = [s for s in own if "workloadSelector" in s.spec]
    whole = [s for s in own if "workloadSelector" not in s.spec]
    fitting = [s for s in selecting if selects(s.spec["workloadSelector"].get("labels"), proxy.labels)]
    root = mesh.configs.within("Sidecar", mesh.config.root_namespace)
    defaults = [s for s in root if "workloadSelector" not in s.spec]
    found = next(iter((*fitting, *whole, *defaults)), None)
    return replace(found, namespace=proxy.namespace) if found else None


@dataclass(frozen=True, slots=True)
class Hosts:
    """The hosts that an egress entry imports from one namespace, and those that it excludes."""

    imported: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def take(self, host: str) -> bool:
        """Whether a service of that host is imported."""
        return any(subset_of(host, wanted) for wanted in self.imported)

    def take_virtual_service(self, host: str) -> bool:
        """Whether a VirtualService for that host is: also for a wildcard that covers an import."""
        return any(overlap(host, wanted) for wanted in self.imported)

    def exclude(self, host: str) -> bool:
        """Whether that host is left out again."""
        return any(subset_of(host, unwanted) for unwanted in self.excluded)


def _hosts(entry: Mapping[str, Any], namespace: str) -> dict[str, Hosts]:
    found: dict[str, Hosts] = {}
    for text in entry.get("hosts") or ():
        owner, _, name = text.partition("/")
        excluded = owner.startswith(_EXCLUDED)
        owner = owner.removeprefix(_EXCLUDED) or _ANY if excluded else owner
        owner = namespace if owner == _CURRENT else owner
        known = found.get(owner, Hosts())
        found[owner] = (
            replace(known, excluded=(*known.excluded, name))
            if excluded
            else replace(known, imported=(*known.imported, name))
        )
    return found


def _listener(mesh: Mesh, namespace: str, entry: Mapping[str, Any]) -> EgressListener:
    hosts = _hosts(entry, namespace)
    chosen = [match for s in exported(mesh, namespace) if (match := _matching(s, hosts, entry))]
    bound = virtual_services.bound_to(mesh.virtual_services, MESH_GATEWAY, namespace, mesh.config)
    virtual = (config for config in bound if _takes(config, hosts))
    spec = {} if entry == {"hosts": ["*/*"]} else entry
    return EgressListener(tuple(_one_namespace(chosen, namespace)), tuple(virtual), spec)


def _matching(service: Service, hosts: Mapping[str, Hosts], entry: Mapping[str, Any]) -> Service | None:
    for owner in (service.namespace, _ANY):
        if owner in hosts and hosts[owner].exclude(service.hostname):
            return None
    if not any(o in hosts and hosts[o].take(service.hostname) for o in (service.namespace, _ANY)):
        return None
    return _with_port(service, entry.get("port") or {})


def _with_port(service: Service, port: Mapping[str, Any]) -> Service | None:
    """The service cut down to the listener's port; an HTTP proxy port imports every port."""
    is_proxy = protocol.parse(port.get("protocol") or "") is protocol.Protocol.HTTP_PROXY
    if not port.get("number") or is_proxy:
        return service
    found = service.port(port["number"])
    return replace(service, ports=(found,)) if found else None


def _takes(config: Config, hosts: Mapping[str, Hosts]) -> bool:
    names = config.spec.get("hosts") or ()
    kept = [name for name in names if not any(hosts[o].exclude(name) for o in (config.namespace, _ANY) if o in hosts)]
    return any(
        hosts[owner].take_virtual_service(name) for owner in (config.namespace, _ANY) if owner in hosts for name in kept
    )


def _one_namespace(services: list[Service], namespace: str) -> Iterator[Service]:
    """One namespace's services of each host: the proxy's own, else Kubernetes', else the first."""
    owners: dict[str, Service] = {}
    for service in services:
        first = owners.setdefault(service.hostname, service)
        if first.namespace == namespace:
            continue
        promoted = first.origin is Origin.EXTERNAL and service.origin is Origin.KUBERNETES
        if service.namespace == namespace or promoted:
            owners[service.hostname] = service
    return (service for service in services if owners[service.hostname].namespace == service.namespace)


def _imported(mesh: Mesh, namespace: str, egress: Iterable[EgressListener]) -> tuple[Service, ...]:
    found: dict[str, Service] = {}
    for listener in egress:
        for service in listener.services:
            _add(found, service)
        for config in listener.virtual_services:
            for service in _destinations(mesh, namespace, config, listener):
                _add(found, service)
    return tuple(found.values())


def _add(found: dict[str, Service], service: Service) -> None:
    known = found.get(service.hostname)
    if known is None or (known.origin, service.origin) == (Origin.EXTERNAL, Origin.KUBERNETES):
        found[service.hostname] = service
    elif known.origin is service.origin and known.namespace == service.namespace:
        found[service.hostname] = replace(known, ports=_united(known.ports, service.ports))


def _united(ports: tuple[Port, ...], more: tuple[Port, ...]) -> tuple[Port, ...]:
    numbers = {port.number for port in ports}
    return (*ports, *(port for port in more if port.number not in numbers))


def _destinations(mesh: Mesh, namespace: str, config: Config, listener: EgressListener) -> Iterator[Service]:
    """Services that a VirtualService routes to, whether or not the listener imports them by name."""
    for host, ports in _destination_ports(config, namespace).items():
        if is_wildcard(host):
            continue
        service = _nearest(mesh, host, namespace)
        if service and listener.port:
            service = _with_port(service, listener.spec["port"])
        if service and not listener.port and 0 not in ports:
            kept = tuple(port for port in service.ports if port.number in ports)
            service = replace(service, ports=kept) if kept else None
        if service:
            yield service


def _nearest(mesh: Mesh, host: str, namespace: str) -> Service | None:
    candidates = [s for s in mesh.registry.by_host.get(host, ()) if is_visible(s, namespace, mesh)]
    ranked = sorted(candidates, key=lambda s: (s.namespace != namespace, s.origin is Origin.EXTERNAL, s.created))
    return ranked[0] if ranked else None


def _destination_ports(config: Config, namespace: str) -> dict[str, set[int]]:
    """Hosts that the routes name and the ports wanted of each; 0 stands for all."""
    found: dict[str, set[int]] = {}
    for destination in _route_destinations(config.spec, namespace):
        found.setdefault(destination.get("host") or "", set()).add((destination.get("port") or {}).get("number") or 0)
    return found


def _route_destinations(spec: Mapping[str, Any], namespace: str) -> Iterator[Mapping[str, Any]]:
    for route in spec.get("http") or ():
        sources = [match.get("sourceNamespace") for match in route.get("match") or ()]
        if not any(sources) or namespace in sources:
            yield from (entry["destination"] for entry in route.get("route") or () if "destination" in entry)
            yield from (entry["destination"] for entry in route.get("mirrors") or () if "destination" in entry)
            yield from (route["mirror"],) if route.get("mirror") else ()
    for route in (*(spec.get("tcp") or ()), *(spec.get("tls") or ())):
        yield from (entry["destination"] for entry in route.get("route") or () if "destination" in entry)
