"""Whose an address is: asked and told to the neighbours by ARP (RFC 826, RFC 5227)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address

ETHERTYPE = 0x0806
BROADCAST = b"\xff" * 6
NOBODY = IPv4Address(0)
REQUEST, REPLY = 1, 2
HEAD = struct.Struct("!6s6sHHHBBH")
BODY = struct.Struct("!6s4s6s4s")
SECONDS, LOOKS = 0.1, 5
Sender = tuple[bytes, IPv4Address]


def packet(operation: int, hardware: bytes, sender: IPv4Address, target: IPv4Address) -> bytes:
    """A broadcast Ethernet frame."""
    head = HEAD.pack(BROADCAST, hardware, ETHERTYPE, 1, 0x0800, 6, 4, operation)
    return head + BODY.pack(hardware, sender.packed, b"\0" * 6, target.packed)


def sender(frame: bytes) -> Sender | None:
    """Hardware and protocol address of whoever sent an ARP frame; None if it is none."""
    if len(frame) < HEAD.size + BODY.size or HEAD.unpack_from(frame)[2] != ETHERTYPE:
        return None
    hardware, protocol, _, _ = BODY.unpack_from(frame, HEAD.size)
    return hardware, IPv4Address(protocol)


def octets(hardware: str) -> bytes:
    """A hardware address's bytes."""
    return bytes.fromhex(hardware.replace(":", ""))


async def holder(connection: socket.socket, address: IPv4Address, hardware: bytes) -> str:
    """The hardware address of another host that has the address; empty if none says so in time.

    The connection is a packet socket that is bound to the interface.
    """
    await asyncio.get_running_loop().sock_sendall(connection, packet(REQUEST, hardware, NOBODY, address))
    for _ in range(LOOKS):
        # What has come is looked at after the wait, however late this process gets its turn.
        await asyncio.sleep(SECONDS / LOOKS)
        for frame in _received(connection):
            found = sender(frame)
            if found and found[1] == address and found[0] != hardware:
                return found[0].hex(":")
    return ""


def _received(connection: socket.socket) -> Iterator[bytes]:
    with contextlib.suppress(BlockingIOError):
        while True:
            yield connection.recv(128)


async def announce(connection: socket.socket, address: IPv4Address, hardware: bytes) -> None:
    """Tell the neighbours to forget whom they held for the owner."""
    for operation in (REQUEST, REPLY):
        frame = packet(operation, hardware, address, address)
        await asyncio.get_running_loop().sock_sendall(connection, frame)
