"""The IPv4 routes of a host's main table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from pyinfra.api import FactBase

PROTOCOLS = {"kernel": 2, "boot": 3, "static": 4}


@dataclass(frozen=True, slots=True)
class RouteEntry:
    """One line of `ip route show`; `protocol` is a name of /etc/iproute2/rt_protos, or a number as text."""

    destination: IPv4Network
    via: IPv4Address | None
    protocol: str
    metric: int = 0


class Routes(FactBase[list[RouteEntry]]):
    """Unicast routes as `ip -json route` of iproute2 prints them."""

    def command(self) -> str:
        """The command that lists them."""
        return "ip -4 -json route show table main"

    @staticmethod
    def default() -> list[RouteEntry]:
        """A host without routes."""
        return []

    def process(self, output: list[str]) -> list[RouteEntry]:
        """Entries in the kernel's order; multipath and special routes are no single next hop and stay out."""
        entries = json.loads("\n".join(output) or "[]")
        return [_entry(item) for item in entries if "dst" in item and "nexthops" not in item and "type" not in item]


def _entry(item: dict[str, Any]) -> RouteEntry:
    destination = "0.0.0.0/0" if item["dst"] == "default" else item["dst"]
    via = item.get("gateway")
    return RouteEntry(
        IPv4Network(destination),
        IPv4Address(via) if via else None,
        str(item.get("protocol", "boot")),
        int(item.get("metric", 0)),
    )
