"""Pods' addresses, out of their node's pod CIDR."""

from __future__ import annotations

from collections.abc import Container
from ipaddress import IPv4Network

# The network's own address and the one that a bridge would have; the last is the broadcast address.
RESERVED = 2


def free(cidr: IPv4Network, used: Container[str], after: str = "") -> str:
    """The next address that nobody has, from `after` on and then from the start; ValueError if there is none left."""
    first, last = RESERVED, cidr.num_addresses - 1
    begun = int(cidr.network_address)
    start = max(int(_number(after)) - begun + 1, first) if after else first
    for offset in (*range(start, last), *range(first, min(start, last))):
        if (address := str(cidr[offset])) not in used:
            return address
    raise ValueError(f"no address of {cidr} is free")


def _number(address: str) -> int:
    return int.from_bytes(bytes(map(int, address.split("."))), "big")
