"""DNS messages as bytes (RFC 1035; RFC 2782 SRV; RFC 6891 EDNS)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from ipaddress import IPv4Address
from typing import NamedTuple

A, NS, CNAME, SOA, PTR, TXT, AAAA, SRV, OPT, ANY = 1, 2, 5, 6, 12, 16, 28, 33, 41, 255
INTERNET = 1
NO_ERROR, FORMAT_ERROR, SERVER_FAILURE, NAME_ERROR, NOT_IMPLEMENTED, REFUSED = 0, 1, 2, 3, 4, 5
RESPONSE, AUTHORITATIVE, TRUNCATED, RECURSION_DESIRED, RECURSION_AVAILABLE = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080
OPCODE = 0x7800
HEADER = struct.Struct("!6H")
SMALLEST, LARGEST = 512, 4096
LONGEST_NAME = 255


class Malformed(ValueError):
    """A message that can't be read."""


class Question(NamedTuple):
    """One question; `size` is what the asker takes by UDP, 0 if it knows no EDNS."""

    number: int
    flags: int
    name: str
    kind: int
    network: int
    raw: bytes
    size: int = 0


class Record(NamedTuple):
    """A resource record; `data` are the octets after its length."""

    name: str
    kind: int
    seconds: int
    data: bytes


def parse(message: bytes) -> Question:
    """The question of a query; Malformed."""
    try:
        number, flags, questions, answers, authorities, more = HEADER.unpack_from(message)
        if flags & RESPONSE or questions != 1 or answers or authorities:
            raise Malformed("no query with one question")
        name, place = _name(message, HEADER.size)
        kind, network = struct.unpack_from("!HH", message, place)
        raw = message[HEADER.size : place + 4]
        return Question(number, flags, name, kind, network, raw, _size(message, place + 4, more))
    except (struct.error, IndexError) as error:
        raise Malformed(str(error)) from None


def _name(message: bytes, place: int) -> tuple[str, int]:
    labels: list[str] = []
    while length := message[place]:
        if length > 63:
            raise Malformed("a compressed name in a query")
        label = message[place + 1 : place + 1 + length]
        labels.append(label.decode("latin-1"))
        place += 1 + length
    name = ".".join(labels)
    if len(name) > LONGEST_NAME:
        raise Malformed("a name that is too long")
    return name, place + 1


def _size(message: bytes, place: int, more: int) -> int:
    """What the first additional record says, which is where resolvers put theirs."""
    if more and message[place : place + 3] == b"\0" + struct.pack("!H", OPT):
        size = int.from_bytes(message[place + 3 : place + 5], "big")
        return min(max(size, SMALLEST), LARGEST)
    return 0


def reply(
    question: Question,
    code: int,
    answers: Iterable[Record] = (),
    authorities: Iterable[Record] = (),
    additional: Iterable[Record] = (),
    limit: int = 0,
) -> bytes:
    """The response; what does not fit into `limit` octets is left out and marked so."""
    sections = [[_record(question, one) for one in part] for part in (answers, authorities, additional)]
    option = struct.pack("!BHHIH", 0, OPT, LARGEST, 0, 0) if question.size else b""
    flags = RESPONSE | AUTHORITATIVE | RECURSION_AVAILABLE | (question.flags & (OPCODE | RECURSION_DESIRED)) | code
    length = HEADER.size + len(question.raw) + len(option) + sum(len(one) for part in sections for one in part)
    if limit and length > limit:
        flags, sections = flags | TRUNCATED, [[], [], []]
    counts = [len(part) for part in sections]
    counts[2] += bool(option)
    head = HEADER.pack(question.number, flags, 1, *counts)
    return head + question.raw + b"".join(b"".join(part) for part in sections) + option


def failure(message: bytes, code: int) -> bytes:
    """The response to what can't be read; empty if it has not even a number."""
    if len(message) < HEADER.size or message[2] & 0x80:
        return b""
    number, flags = struct.unpack_from("!HH", message)
    return HEADER.pack(number, RESPONSE | (flags & (OPCODE | RECURSION_DESIRED)) | code, 0, 0, 0, 0)


def _record(question: Question, one: Record) -> bytes:
    # 0xC00C points to the question's name, which begins right after the header.
    owner = b"\xc0\x0c" if one.name.lower() == question.name.lower() else encode(one.name)
    return owner + struct.pack("!HHIH", one.kind, INTERNET, one.seconds, len(one.data)) + one.data


def encode(name: str) -> bytes:
    """A name as labels."""
    labels = [label.encode("latin-1", "replace")[:63] for label in name.split(".") if label]
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def address(name: str, value: str, seconds: int) -> Record:
    """An A record."""
    return Record(name, A, seconds, IPv4Address(value).packed)


def pointer(name: str, kind: int, target: str, seconds: int) -> Record:
    """A record that names another name: CNAME, PTR, NS."""
    return Record(name, kind, seconds, encode(target))


def service(name: str, port: int, target: str, seconds: int, weight: int = 100) -> Record:
    """An SRV record."""
    return Record(name, SRV, seconds, struct.pack("!HHH", 0, weight, port) + encode(target))


def authority(zone: str, serial: int, seconds: int) -> Record:
    """An SOA record, with CoreDNS' numbers."""
    numbers = struct.pack("!5I", serial, 7200, 1800, 86400, seconds)
    return Record(zone, SOA, seconds, encode(f"ns.dns.{zone}") + encode(f"hostmaster.{zone}") + numbers)
