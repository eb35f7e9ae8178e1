"""Names of Services, asked for as resolvers do."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from meshctl.sandbox.controllers.services import names
from meshctl.sandbox.dns import message, zone
from meshctl.sandbox.dns.server import Names, Server
from tests.sandbox.controllers.services.objects import HTTP, backed, service

HEADLESS = service("peers", HTTP, clusterIP="None")
ALIAS = service("outside", type="ExternalName", clusterIP=None, externalName="web.shop.svc.cluster.local")
FAR = service("far", type="ExternalName", clusterIP=None, externalName="example.org")
BACKED = backed(HEADLESS, ("172.20.0.2", "n1"), ("172.20.0.3", "n2"))
ZONE = zone.load(zone.dump(names.zone([service(), HEADLESS, ALIAS, FAR], [BACKED], ["shop", "default"])))
IN_SHOP = "shop.svc.cluster.local"

TRIES = 9


def query(name: str, kind: int, size: int = 0) -> bytes:
    more = struct.pack("!BHHIH", 0, message.OPT, size, 0, 0) if size else b""
    head = message.HEADER.pack(7, message.RECURSION_DESIRED, 1, 0, 0, bool(size))
    return head + message.encode(name) + struct.pack("!HH", kind, 1) + more


def read_name(data: bytes, place: int) -> tuple[str, int]:
    labels: list[str] = []
    while length := data[place]:
        if length >= 0xC0:
            rest, _ = read_name(data, int.from_bytes(data[place : place + 2], "big") & 0x3FFF)
            return ".".join([*labels, rest]), place + 2
        labels.append(data[place + 1 : place + 1 + length].decode())
        place += 1 + length
    return ".".join(labels), place + 1


def read(data: bytes) -> tuple[int, list[tuple[str, int, Any]]]:
    """Code, and the answers and additional records as (name, kind, value)."""
    _, flags, _, answers, authorities, more = message.HEADER.unpack_from(data)
    _, place = read_name(data, 12)
    place, found = place + 4, []
    for number in range(answers + authorities + more):
        name, place = read_name(data, place)
        kind, _, _, length = struct.unpack_from("!HHIH", data, place)
        start = place + 10
        value: Any = data[start : start + length]
        if kind == message.A:
            value = socket.inet_ntoa(value)
        elif kind in (message.CNAME, message.PTR):
            value, _ = read_name(data, start)
        elif kind == message.SRV:
            value = struct.unpack_from("!H", data, start + 4)[0], read_name(data, start + 6)[0]
        place = start + length
        if number < answers or (number >= answers + authorities and kind != message.OPT):
            found.append((name, kind, value))
    return flags & 0xF, found


def ask(name: str, kind: int = message.A) -> tuple[int, list[tuple[str, int, Any]]]:
    return read(zone.answer(ZONE, message.parse(query(name, kind))))


def values(name: str, kind: int = message.A) -> list[Any]:
    code, found = ask(name, kind)
    assert code == message.NO_ERROR
    return sorted(value for _, _, value in found)


def test_a_service_is_its_cluster_address_whatever_the_case() -> None:
    assert ask(f"web.{IN_SHOP}") == (0, [(f"web.{IN_SHOP}", message.A, "10.68.0.20")])
    assert ask(f"Web.{IN_SHOP}") == (0, [(f"Web.{IN_SHOP}", message.A, "10.68.0.20")])


def test_a_headless_service_is_its_pods() -> None:
    assert values(f"peers.{IN_SHOP}") == ["172.20.0.2", "172.20.0.3"]
    assert values(f"172-20-0-3.peers.{IN_SHOP}") == ["172.20.0.3"]


def test_endpoints_that_are_not_ready_have_no_name() -> None:
    made = names.zone([HEADLESS], [backed(HEADLESS, ("172.20.0.2", "n1"), ready=False)], ["shop"])
    assert made.addresses == {}


def test_an_existing_name_has_no_ipv6_address_and_an_unknown_one_does_not_exist() -> None:
    assert ask(f"web.{IN_SHOP}", message.AAAA) == (message.NO_ERROR, [])
    assert ask(f"nobody.{IN_SHOP}", message.AAAA) == (message.NAME_ERROR, [])
    assert ask("example.org") == (message.NAME_ERROR, [])
    assert ask(f"web.{IN_SHOP}.{IN_SHOP}") == (message.NAME_ERROR, [])


@pytest.mark.parametrize("name", [IN_SHOP, "svc.cluster.local", "cluster.local", f"_tcp.web.{IN_SHOP}"])
def test_names_above_others_exist(name: str) -> None:
    assert ask(name) == (message.NO_ERROR, [])


def test_an_external_name_is_followed_as_far_as_the_cluster_knows() -> None:
    assert values(f"outside.{IN_SHOP}") == ["10.68.0.20", f"web.{IN_SHOP}"]
    assert values(f"far.{IN_SHOP}") == ["example.org"]


def test_a_named_port_has_a_service_record_with_its_address() -> None:
    code, found = ask(f"_http._tcp.web.{IN_SHOP}", message.SRV)
    assert code == 0
    assert [(kind, value) for _, kind, value in found] == [
        (message.SRV, (80, f"web.{IN_SHOP}")),
        (message.A, "10.68.0.20"),
    ]


def test_a_headless_port_has_a_record_for_each_pod() -> None:
    _, found = ask(f"_http._tcp.peers.{IN_SHOP}", message.SRV)
    targets = [value for _, kind, value in found if kind == message.SRV]
    assert sorted(targets) == [(8080, f"172-20-0-{last}.peers.{IN_SHOP}") for last in (2, 3)]


def test_a_pods_name_says_its_address() -> None:
    assert values("172-20-0-9.shop.pod.cluster.local") == ["172.20.0.9"]
    assert ask("172-20-0-9.nowhere.pod.cluster.local")[0] == message.NAME_ERROR
    assert ask("172-20-0.shop.pod.cluster.local")[0] == message.NAME_ERROR


def test_addresses_are_found_backwards() -> None:
    assert values("20.0.68.10.in-addr.arpa", message.PTR) == [f"web.{IN_SHOP}"]
    assert values("2.0.20.172.in-addr.arpa", message.PTR) == [f"172-20-0-2.peers.{IN_SHOP}"]
    assert ask("9.9.9.9.in-addr.arpa", message.PTR)[0] == message.NAME_ERROR


def test_what_is_too_long_for_a_datagram_is_marked() -> None:
    many = backed(HEADLESS, *((f"172.20.1.{number}", "n1") for number in range(2, 102)))
    wide = names.zone([HEADLESS], [many], ["shop"])
    short = zone.answer(wide, message.parse(query(f"peers.{IN_SHOP}", message.A)), 512)
    assert len(short) <= 512
    assert short[2] & 0x02
    assert len(read(zone.answer(wide, message.parse(query(f"peers.{IN_SHOP}", message.A))))[1]) == 100
    roomy = message.parse(query(f"peers.{IN_SHOP}", message.A, 4096))
    assert roomy.size == 4096


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"\0" * 11, query("a.b", 1)[:-3], b"\0\1\1\0\0\1" + b"\0" * 6 + b"\xc0\x0c"]
)
def test_nonsense_is_malformed(data: bytes) -> None:
    with pytest.raises(message.Malformed):
        message.parse(data)
    assert len(message.failure(data, message.FORMAT_ERROR)) in (0, 12)


def listening(names_: Names) -> Server:
    """On a port that is free for datagrams and for connections; others take ports beside us."""
    for _ in range(TRIES):
        with suppress(OSError):
            return Server("127.0.0.1", 0, names_)
    raise AssertionError("no port is free for both")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    path = tmp_path / "names.json"
    path.write_text(zone.dump(ZONE))
    server = listening(Names(str(path)))
    stopped: list[bool] = []

    def serve() -> None:
        while not stopped:
            server.step(0.02)

    thread = Thread(target=serve)
    thread.start()
    try:
        yield server.port, path
    finally:
        stopped.append(True)
        thread.join()
        server.close()


def datagram(port: int, data: bytes) -> bytes:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as asker:
        asker.settimeout(5)
        asker.sendto(data, ("127.0.0.1", port))
        return asker.recv(4096)


def test_it_answers_by_udp_and_tcp_and_survives_nonsense(served: tuple[int, Path]) -> None:
    port, _ = served
    wanted = query(f"web.{IN_SHOP}", message.A, 1232)
    assert datagram(port, b"\0" * 12)[3] & 0xF == message.FORMAT_ERROR
    assert read(datagram(port, wanted))[1][0][2] == "10.68.0.20"
    with socket.create_connection(("127.0.0.1", port), 5) as stream:
        whole = len(wanted).to_bytes(2, "big") + wanted
        stream.sendall(whole + whole[:5])
        stream.sendall(whole[5:])
        for _ in range(2):
            length = int.from_bytes(stream.recv(2, socket.MSG_WAITALL), "big")
            assert read(stream.recv(length, socket.MSG_WAITALL))[1][0][2] == "10.68.0.20"


def test_it_answers_from_the_file_of_the_moment(served: tuple[int, Path]) -> None:
    port, path = served
    draft = path.with_suffix(".new")
    draft.write_text(zone.dump(names.zone([service("new")], [], ["shop"])))
    draft.replace(path)
    assert read(datagram(port, query(f"new.{IN_SHOP}", message.A)))[1][0][2] == "10.68.0.20"
    path.write_text("half a fi")
    assert read(datagram(port, query(f"new.{IN_SHOP}", message.A)))[1][0][2] == "10.68.0.20"


def test_a_file_that_makes_no_sense_is_an_answer_too(served: tuple[int, Path]) -> None:
    port, path = served
    path.write_text(zone.dump(ZONE._replace(addresses={f"web.{IN_SHOP}": ["nonsense"]})))
    assert datagram(port, query(f"web.{IN_SHOP}", message.A))[3] & 0xF == message.SERVER_FAILURE
