"""Asking and telling whose an address is."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address

from meshctl.sandbox.controllers.services import arp

OURS, THEIRS = arp.octets("02:00:c0:a8:e5:89"), arp.octets("02:00:c0:a8:e5:8a")
ADDRESS = IPv4Address("192.168.229.100")


def pair() -> tuple[socket.socket, socket.socket]:
    made = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    for one in made:
        one.setblocking(False)
    return made


def ask(*frames: bytes) -> str:
    ours, wire = pair()
    with ours, wire:
        for frame in frames:
            wire.send(frame)
        return asyncio.run(arp.holder(ours, ADDRESS, OURS))


def test_whoever_answers_holds_the_address() -> None:
    other = arp.packet(arp.REPLY, THEIRS, IPv4Address("192.168.229.7"), ADDRESS)
    assert ask(other, arp.packet(arp.REPLY, THEIRS, ADDRESS, ADDRESS)) == "02:00:c0:a8:e5:8a"


def test_silence_and_our_own_voice_mean_nobody() -> None:
    assert ask(arp.packet(arp.REPLY, OURS, ADDRESS, ADDRESS), b"short") == ""


def test_an_announcement_goes_to_everyone() -> None:
    ours, wire = pair()
    with ours, wire:
        asyncio.run(arp.announce(ours, ADDRESS, OURS))
        frame = wire.recv(128)
    assert frame[:6] == b"\xff" * 6
    assert arp.sender(frame) == (OURS, ADDRESS)
