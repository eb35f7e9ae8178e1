"""Static routes: what is missing comes, what is wrong goes, what is foreign stays."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from meshctl.facts.routes import RouteEntry, Routes
from meshctl.operations.routes import differences
from meshctl.topology import Route

WANTED = (Route.parse("10.70.0.0/16 via 192.168.229.143"), Route.parse("172.22.1.0/24 via 192.168.229.143"))
MESH = (IPv4Network("10.68.0.0/16"), IPv4Network("10.70.0.0/16"), IPv4Network("172.22.0.0/16"))


def entry(destination: str, via: str | None, protocol: str = "157", metric: int = 0) -> RouteEntry:
    return RouteEntry(IPv4Network(destination), IPv4Address(via) if via else None, protocol, metric)


RIGHT = [entry("10.70.0.0/16", "192.168.229.143"), entry("172.22.1.0/24", "192.168.229.143")]


def changes(live: list[RouteEntry]) -> list[tuple[str, tuple[str, ...]]]:
    return [(change.get_raw_value(), change.diff) for change in differences(live, WANTED, MESH)]


def test_routes_as_wanted_change_nothing() -> None:
    assert changes(RIGHT) == []


def test_a_missing_route_comes() -> None:
    assert changes(RIGHT[:1]) == [
        (
            "ip route replace 172.22.1.0/24 via 192.168.229.143 proto 157",
            ("+ route 172.22.1.0/24 via 192.168.229.143",),
        )
    ]


def test_a_route_over_the_wrong_node_is_replaced() -> None:
    wrong = entry("172.22.1.0/24", "192.168.229.144", "boot")
    assert changes([RIGHT[0], wrong]) == [
        (
            "ip route replace 172.22.1.0/24 via 192.168.229.143 proto 157",
            ("- route 172.22.1.0/24 via 192.168.229.144", "+ route 172.22.1.0/24 via 192.168.229.143"),
        )
    ]


def test_an_unwanted_route_into_the_mesh_goes() -> None:
    unwanted = entry("10.68.0.0/16", "192.168.229.137", "boot")
    assert changes([*RIGHT, unwanted]) == [
        ("ip route del 10.68.0.0/16 via 192.168.229.137 proto boot", ("- route 10.68.0.0/16 via 192.168.229.137",))
    ]


def test_a_route_of_ours_that_is_no_longer_wanted_goes() -> None:
    old = entry("10.99.0.0/16", "192.168.229.150")
    assert [diff for _, diff in changes([*RIGHT, old])] == [("- route 10.99.0.0/16 via 192.168.229.150",)]


def test_foreign_routes_stay() -> None:
    foreign = [
        entry("0.0.0.0/0", "192.168.229.1", "dhcp"),
        entry("192.168.229.0/24", None, "kernel"),
        entry("203.0.113.0/24", "192.168.229.9", "static"),
        entry("172.22.5.0/24", "192.168.229.9", "bird"),
        entry("172.16.0.0/12", "192.168.229.9", "boot"),
    ]
    assert changes([*foreign, *RIGHT]) == []


def test_a_second_route_with_another_metric_goes_only_if_it_differs() -> None:
    other = entry("172.22.1.0/24", "192.168.229.144", "boot", metric=50)
    assert [command for command, _ in changes([*RIGHT, other])] == [
        "ip route del 172.22.1.0/24 via 192.168.229.144 metric 50 proto boot"
    ]


def test_the_fact_reads_what_iproute2_prints() -> None:
    output = (
        '[{"dst":"default","gateway":"10.0.0.1","dev":"eth0","protocol":"dhcp","metric":100,"flags":[]},'
        '{"dst":"10.0.0.0/24","dev":"eth0","protocol":"kernel","scope":"link","prefsrc":"10.0.0.2","flags":[]},'
        '{"dst":"172.22.1.7","gateway":"10.0.0.9","dev":"eth0","protocol":"157","flags":[]},'
        '{"type":"blackhole","dst":"10.9.0.0/16","flags":[]}]'
    )
    assert Routes().process([output]) == [
        entry("0.0.0.0/0", "10.0.0.1", "dhcp", 100),
        entry("10.0.0.0/24", None, "kernel"),
        entry("172.22.1.7/32", "10.0.0.9"),
    ]
