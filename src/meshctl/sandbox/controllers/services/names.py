"""The names of a cluster's Services (Kubernetes DNS-Based Service Discovery 1.1.0), for its name servers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from meshctl.sandbox.controllers.services import endpoints, slices
from meshctl.sandbox.dns.zone import DOMAIN, Zone

Seen = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Draft:
    addresses: dict[str, list[str]] = field(default_factory=dict)
    services: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    pointers: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str, address: str) -> None:
        if address not in self.addresses.setdefault(name, []):
            self.addresses[name].append(address)

    def point(self, address: str, name: str) -> None:
        if name not in self.pointers.setdefault(address, []):
            self.pointers[address].append(name)

    def serve(self, name: str, port: Seen, target: str) -> None:
        """The port under its own name, and among all of the Service's."""
        found = port["port"], target
        names = [name]
        if port.get("name"):
            names.append(f"_{port['name']}._{(port.get('protocol') or 'TCP').lower()}.{name}")
        for one in names:
            if found not in self.services.setdefault(one, []):
                self.services[one].append(found)


def zone(services: Iterable[Seen], found: Iterable[Seen], namespaces: Iterable[str]) -> Zone:
    """What the name servers answer; `found` are the EndpointSlices."""
    behind: dict[tuple[str, str], list[Seen]] = {}
    for one in sorted(found, key=_place):
        behind.setdefault((one["metadata"]["namespace"], slices.service_name(one)), []).append(one)
    draft = _Draft()
    for service in sorted(services, key=_place):
        _add(draft, service, behind.get(_place(service), ()))
    return Zone(draft.addresses, draft.services, draft.aliases, draft.pointers, sorted(set(namespaces)))


def _place(found: Seen) -> tuple[str, str]:
    return found["metadata"]["namespace"], found["metadata"]["name"]


def _add(draft: _Draft, service: Seen, behind: Iterable[Seen]) -> None:
    metadata, spec = service["metadata"], service["spec"]
    name = f"{metadata['name']}.{metadata['namespace']}.svc.{DOMAIN}"
    if spec.get("type") == "ExternalName":
        draft.aliases[name] = spec.get("externalName", "").rstrip(".").lower()
    elif endpoints.is_headless(service):
        for one in behind:
            _add_endpoints(draft, name, one)
    elif endpoints.is_ipv4(spec.get("clusterIP") or ""):
        draft.add(name, spec["clusterIP"])
        draft.point(spec["clusterIP"], name)
        for port in spec.get("ports") or ():
            draft.serve(name, port, name)


def _add_endpoints(draft: _Draft, name: str, found: Seen) -> None:
    for host, address in _hosts(found):
        target = f"{host}.{name}"
        draft.add(name, address)
        draft.add(target, address)
        draft.point(address, target)
        for port in found.get("ports") or ():
            if port.get("port"):
                draft.serve(name, port, target)


def _hosts(found: Seen) -> Iterator[tuple[str, str]]:
    if found.get("addressType") != "IPv4":
        return
    for one in found.get("endpoints") or ():
        if (one.get("conditions") or {}).get("ready") is not False:
            for address in filter(endpoints.is_ipv4, one["addresses"]):
                yield one.get("hostname") or address.replace(".", "-"), address
