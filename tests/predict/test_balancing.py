"""Envoy's arithmetic, against figures measured with Envoy 1.40."""

from __future__ import annotations

from fractions import Fraction

import pytest

from meshctl.predict.balancing import LbEndpoint, LocalityEndpoints, Policy, may_eject, priority_loads, shares

WEIGHTED = Policy(locality_weighted=True)


def group(name: str, hosts: str, weight: int | None = 1, priority: int = 0) -> LocalityEndpoints:
    """Hosts are letters; a small letter is an unhealthy one."""
    return LocalityEndpoints(name, tuple(LbEndpoint(h.upper(), 1, h.isupper()) for h in hosts), weight, priority)


def percent(result: dict[str, Fraction]) -> dict[str, float]:
    return {address: round(float(share) * 100, 1) for address, share in result.items()}


@pytest.mark.parametrize(
    ("table", "policy", "expected"),
    [
        ([group("1", "AB"), group("2", "C")], Policy(), {"A": 33.3, "B": 33.3, "C": 33.3}),
        ([group("1", "AB", 50), group("2", "C", 50)], WEIGHTED, {"A": 25, "B": 25, "C": 50}),
        ([group("1", "AB", 80), group("2", "C", 20)], WEIGHTED, {"A": 40, "B": 40, "C": 20}),
        ([group("1", "A", 100), group("2", "C", None)], WEIGHTED, {"A": 100}),
        ([group("1", "AB", None), group("2", "C", None)], WEIGHTED, {"A": 33.3, "B": 33.3, "C": 33.3}),
        ([group("1", "Ab", 50), group("2", "C", 50)], WEIGHTED, {"A": 41.2, "C": 58.8}),
        ([group("1", "A"), group("2", "B", priority=1)], WEIGHTED, {"A": 100}),
        ([group("1", "Ab"), group("2", "C", priority=1)], WEIGHTED, {"A": 70, "C": 30}),
        ([group("1", "a"), group("2", "b", priority=1)], WEIGHTED, {}),
        ([group("1", "a"), group("2", "B", priority=1)], Policy(), {"B": 100}),
        ([], WEIGHTED, {}),
        ([group("1", "A", 50), group("2", "A", 50)], WEIGHTED, {"A": 100}),
    ],
)
def test_shares(table: list[LocalityEndpoints], policy: Policy, expected: dict[str, float]) -> None:
    assert percent(shares(table, policy)) == expected


def test_overprovisioning_of_100_keeps_the_split_proportional_to_health() -> None:
    table = [group("1", "Ab", 50), group("2", "C", 50)]
    assert percent(shares(table, Policy(True, overprovisioning=100))) == {"A": 33.3, "C": 66.7}


def test_an_ejected_host_counts_as_unhealthy() -> None:
    table = [group("1", "AB"), group("2", "C", priority=1)]
    assert percent(shares(table, WEIGHTED, ejected={"A"})) == {"B": 70, "C": 30}


def test_in_panic_every_host_of_the_priority_is_tried() -> None:
    table = [group("1", "Abcd")]
    assert percent(shares(table, Policy(panic_percent=50))) == {"A": 25, "B": 25, "C": 25, "D": 25}


@pytest.mark.parametrize(
    ("hosts", "ejected", "limit", "expected"),
    [(3, 0, 10, False), (10, 0, 10, True), (10, 1, 10, False), (3, 0, 34, True), (3, 1, 34, False), (2, 0, 50, True)],
)
def test_ejection_limit(hosts: int, ejected: int, limit: int, expected: bool) -> None:
    assert may_eject(hosts, ejected, limit) is expected


@pytest.mark.parametrize(
    ("health", "loads"),
    [
        ([100, 100], [100, 0]),
        ([70, 100], [70, 30]),
        ([0, 0, 100], [0, 0, 100]),
        ([46, 46], [50, 50]),
        ([20, 20, 20], [34, 33, 33]),
        ([0, 0], [0, 0]),
    ],
)
def test_priority_loads(health: list[int], loads: list[int]) -> None:
    assert priority_loads(health) == loads


def test_with_nothing_healthy_panic_tries_all_priorities_by_their_size() -> None:
    table = [group("1", "ab"), group("2", "cd", priority=1)]
    assert percent(shares(table, Policy(panic_percent=50))) == {"A": 25, "B": 25, "C": 25, "D": 25}
