"""A cluster's names and what they stand for (Kubernetes DNS-Based Service Discovery 1.1.0)."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import AddressValueError, IPv4Address
from typing import Any, NamedTuple

from meshctl.sandbox.dns import message
from meshctl.sandbox.dns.message import Question, Record

DOMAIN = "cluster.local"
SECONDS = 5
CHAIN = 8
REVERSE = ".in-addr.arpa"


class Zone(NamedTuple):
    """Names without a dot at the end, in lower case; `services` are (port, target) by SRV name.

    `known` are all names, also those that only others lie below.
    """

    addresses: Mapping[str, Sequence[str]]
    services: Mapping[str, Sequence[Sequence[Any]]]
    aliases: Mapping[str, str]
    pointers: Mapping[str, Sequence[str]]
    namespaces: Sequence[str]
    domain: str = DOMAIN
    known: frozenset[str] = frozenset()


EMPTY = Zone({}, {}, {}, {}, ())


def _known(zone: Zone) -> frozenset[str]:
    namespaces = [f"{one}.{kind}.{zone.domain}" for one in zone.namespaces for kind in ("svc", "pod")]
    names = (*zone.addresses, *zone.services, *zone.aliases, *namespaces, f"dns.{zone.domain}")
    return frozenset(part for name in names for part in _upwards(name, zone.domain))


def _upwards(name: str, top: str) -> Iterator[str]:
    while name and name != top:
        yield name
        name = name.partition(".")[2]
    yield top


def load(text: str) -> Zone:
    """A zone as `dump` wrote it; ValueError."""
    zone = Zone(**json.loads(text))
    return zone._replace(known=_known(zone))


def dump(zone: Zone) -> str:
    """A zone as text, the same for the same zone."""
    return json.dumps({name: value for name, value in zone._asdict().items() if name != "known"}, sort_keys=True)


def answer(zone: Zone, question: Question, limit: int = 0) -> bytes:
    """The response to a question; `limit` as in `message.reply`."""
    name = question.name.lower()
    if question.flags & message.OPCODE:
        return message.reply(question, message.NOT_IMPLEMENTED)
    if question.network not in (message.INTERNET, message.ANY):
        return message.reply(question, message.REFUSED)
    found = list(_found(zone, question, name))
    if found:
        additional = list(_targets(zone, found)) if question.kind == message.SRV else []
        return message.reply(question, message.NO_ERROR, found, (), additional, limit)
    inside = name == zone.domain or name.endswith(f".{zone.domain}")
    authorities = [message.authority(zone.domain, 1, SECONDS)] if inside else []
    code = message.NO_ERROR if _exists(zone, name) else message.NAME_ERROR
    return message.reply(question, code, (), authorities, (), limit)


def _exists(zone: Zone, name: str) -> bool:
    return name in zone.known or _pod(zone, name) != "" or _reversed(name) in zone.pointers


def _found(zone: Zone, question: Question, name: str) -> Iterator[Record]:
    """Records for the name as it was asked, whatever its case."""
    kind, asked = question.kind, question.name
    for _ in range(CHAIN):
        if name not in zone.aliases:
            break
        target = zone.aliases[name]
        yield message.pointer(asked, message.CNAME, target, SECONDS)
        if kind == message.CNAME:
            return
        name, asked = target.lower(), target
    if kind in (message.A, message.ANY):
        for address in _shuffled(_addresses(zone, name)):
            yield message.address(asked, address, SECONDS)
    if kind in (message.SRV, message.ANY):
        targets = zone.services.get(name, ())
        for port, target in targets:
            yield message.service(asked, port, target, SECONDS, max(100 // len(targets), 1))
    if kind in (message.PTR, message.ANY):
        for target in zone.pointers.get(_reversed(name), ()):
            yield message.pointer(asked, message.PTR, target, SECONDS)
    if name == zone.domain and kind == message.SOA:
        yield message.authority(asked, 1, SECONDS)
    if name == zone.domain and kind == message.NS:
        yield message.pointer(asked, message.NS, f"ns.dns.{zone.domain}", SECONDS)


def _addresses(zone: Zone, name: str) -> Sequence[str]:
    pod = _pod(zone, name)
    return zone.addresses.get(name) or ([pod] if pod else [])


def _shuffled(addresses: Sequence[str]) -> Sequence[str]:
    return random.sample(addresses, len(addresses))  # balancing, no secret


def _targets(zone: Zone, found: Sequence[Record]) -> Iterator[Record]:
    """Addresses of what SRV records name, so that nobody has to ask again."""
    names = {target for name in {one.name.lower() for one in found} for _, target in zone.services.get(name, ())}
    for name in sorted(names):
        for address in zone.addresses.get(name, ()):
            yield message.address(name, address, SECONDS)


def _pod(zone: Zone, name: str) -> str:
    """The address in 172-20-0-2.NAMESPACE.pod.DOMAIN; empty if it is no such name."""
    labels, own = name.split("."), f".pod.{zone.domain}"
    if name.endswith(own) and len(labels) == 2 + own.count(".") and labels[1] in zone.namespaces:
        return _address(labels[0].replace("-", "."))
    return ""


def _reversed(name: str) -> str:
    """The address in 2.0.20.172.in-addr.arpa; empty if it is no such name."""
    if not name.endswith(REVERSE):
        return ""
    return _address(".".join(reversed(name.removesuffix(REVERSE).split("."))))


def _address(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except AddressValueError:
        return ""
