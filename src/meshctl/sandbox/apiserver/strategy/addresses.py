"""Cluster IPs and node ports: which are taken, and which one a Service gets."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network
from itertools import chain
from typing import Any

Object = Mapping[str, Any]


class Addresses:
    """Follows the stored Services; gives out what none of them has."""

    def __init__(self, network: IPv4Network, ports: tuple[int, int], services: Iterable[Object]) -> None:
        self._network = network
        self._ports = ports
        self._addresses: dict[str, int] = {}
        self._taken_ports: dict[tuple[str, int], int] = {}
        for service in services:
            self._count(service, 1)

    def changed(self, before: Object | None, after: Object | None) -> None:
        """A Service was written."""
        if before:
            self._count(before, -1)
        if after:
            self._count(after, 1)

    def _count(self, service: Object, by: int) -> None:
        for address in cluster_ips(service):
            self._addresses[address] = self._addresses.get(address, 0) + by
        for port in node_ports(service):
            self._taken_ports[port] = self._taken_ports.get(port, 0) + by

    def is_taken(self, address: str) -> bool:
        """Whether a Service has this cluster IP."""
        return self._addresses.get(address, 0) > 0

    def is_taken_port(self, protocol: str, port: int) -> bool:
        """Whether a Service has this node port."""
        return self._taken_ports.get((protocol, port), 0) > 0

    def contains(self, address: str) -> bool:
        """Whether a Service may have this cluster IP."""
        return IPv4Address(address) in self._network

    @property
    def network(self) -> IPv4Network:
        """The range of cluster IPs."""
        return self._network

    @property
    def ports(self) -> tuple[int, int]:
        """First and last node port."""
        return self._ports

    def address(self) -> str | None:
        """A free cluster IP; None if there is none.

        The lower band of the range is left to those who choose an address themselves (KEP 3070).
        """
        size = self._network.num_addresses
        reserved = min(max(16, size // 16), 256) if size > 32 else 0
        return self._free(reserved + 1, size - 1) or self._free(1, reserved + 1)

    def _free(self, first: int, last: int) -> str | None:
        if last <= first:
            return None
        start = random.randrange(first, last)  # noqa: S311 - no secret
        for number in chain(range(start, last), range(first, start)):
            candidate = str(self._network[number])
            if not self.is_taken(candidate):
                return candidate
        return None

    def port(self, protocols: Iterable[str], chosen: Iterable[int] = ()) -> int | None:
        """A node port that is free for these protocols and not among `chosen`; None if there is none."""
        first, last = self._ports
        start: int = random.randint(first, last)  # noqa: S311 - no secret
        wanted, avoided = tuple(protocols), set(chosen)
        for number in chain(range(start, last + 1), range(first, start)):
            if number not in avoided and not any(self.is_taken_port(one, number) for one in wanted):
                return number
        return None


def cluster_ips(service: Object) -> list[str]:
    """The addresses that a Service occupies."""
    spec = service.get("spec") or {}
    given = spec.get("clusterIPs") or [spec.get("clusterIP") or ""]
    return [address for address in given if address not in ("", "None")]


def node_ports(service: Object) -> list[tuple[str, int]]:
    """The (protocol, port) pairs that a Service occupies on nodes."""
    spec = service.get("spec") or {}
    ports = [
        (port.get("protocol", "TCP"), port["nodePort"]) for port in spec.get("ports") or () if port.get("nodePort")
    ]
    health = spec.get("healthCheckNodePort")
    return [*ports, ("TCP", health)] if health else ports
