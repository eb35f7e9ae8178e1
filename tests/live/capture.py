"""Watches every interface of a network namespace for packets of the sandbox's networks; run as a program.

Prints `watching`, then one line for each packet, until its standard input closes.
"""

from __future__ import annotations

import select
import socket
import struct
import sys
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network

ETH_P_ALL = 3
ETH_P_IP = 0x0800
ETH_P_ARP = 0x0806


def main(networks: Sequence[IPv4Network]) -> None:
    """Cooked packets: the payload starts at the network header whatever the link is."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL)) as wire:
        _say("watching")
        while True:
            ready, _, _ = select.select([wire, sys.stdin], [], [])
            if wire in ready:
                packet, (interface, protocol, *_) = wire.recvfrom(2048)
                for address in addresses(protocol, packet):
                    if any(address in network for network in networks):
                        _say(f"{interface} {protocol:#06x} {address}")
            elif sys.stdin in ready:
                return


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def addresses(protocol: int, packet: bytes) -> list[IPv4Address]:
    """Source and destination of an IPv4 packet or an ARP request."""
    if protocol == ETH_P_IP and len(packet) >= 20:
        return [IPv4Address(part) for part in struct.unpack("!12x4s4s", packet[:20])]
    if protocol == ETH_P_ARP and len(packet) >= 28:
        return [IPv4Address(packet[14:18]), IPv4Address(packet[24:28])]
    return []


if __name__ == "__main__":
    main([IPv4Network(text) for text in sys.argv[1:]])
