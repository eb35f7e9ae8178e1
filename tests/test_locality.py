"""Istio's locality arithmetic, step by step; whole tables are compared in tests/sandbox/xds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshctl import locality
from meshctl.locality import Gateway, Gateways, Group, Host, Setting
from meshctl.topology import NETWORK_LABEL, REGION_LABEL, ZONE_LABEL

LOCAL, NEAR, FAR = "r1/z1/s1", "r1/z2/s1", "r2/z1/s1"


def host(address: str, **given: Any) -> Host:
    return Host(address, **given)


def group(place: str, *hosts: Host, weight: int | None = 1) -> Group:
    return Group(place, hosts or (host(place),), weight)


def through(groups: list[Group], network: str, known: Gateways) -> list[tuple[dict[str, int], int | None]]:
    made = locality.through_gateways(
        groups, network, known, lambda gateway, weight: host(gateway.address, weight=weight)
    )
    return [({h.address: h.weight for h in g.hosts}, g.weight) for g in made]


def balanced(
    groups: list[Group], spec: dict[str, Any], labels: dict[str, str] | None = None, *, outliers: bool = True
) -> list[Group]:
    return list(locality.balanced(groups, Setting(spec), LOCAL, labels or {}, outliers))


def test_hosts_are_grouped_by_locality_in_its_order() -> None:
    found = locality.grouped([(FAR, host("a")), ("", host("b")), (FAR, host("c", weight=4)), (LOCAL, host("d"))])
    assert [(g.locality, g.weight) for g in found] == [("", 1), (LOCAL, 1), (FAR, 5)]


def test_the_scale_lets_every_weight_divide_among_gateways() -> None:
    known = locality.gateways(
        [
            *(Gateway(f"10.0.0.{n}", 15443, "n1", "c1") for n in range(2)),
            *(Gateway(f"10.0.1.{n}", 15443, "n2", "c2") for n in range(3)),
            Gateway("10.0.0.0", 15443, "n1", "c1"),
        ]
    )
    assert known.scale == 6
    assert locality.gateways([]).scale == 1


def test_a_remote_host_stands_behind_the_gateways_of_its_own_cluster() -> None:
    known = locality.gateways([Gateway("g1", 1, "n2", "c2"), Gateway("g2", 1, "n2", "c3")])
    remote = group(FAR, host("p", weight=3, network="n2", cluster="c3"))
    assert through([remote], "n1", known) == [({"g2": 6}, 6)]


def test_without_a_gateway_of_its_cluster_all_of_its_networks_share_the_weight() -> None:
    known = locality.gateways([Gateway("g1", 1, "n2", "c2"), Gateway("g2", 1, "n2", "c3")])
    remote = group(FAR, host("p", network="n2", cluster="c4"))
    assert through([remote], "n1", known) == [({"g1": 1, "g2": 1}, 2)]


def test_a_network_without_gateways_is_dialled_directly() -> None:
    known = locality.gateways([Gateway("g1", 1, "n2", "c2")])
    assert through([group(FAR, host("p", network="n3", cluster="c9"))], "n1", known) == [({"p": 1}, 1)]


def test_a_proxy_without_a_network_goes_through_gateways() -> None:
    known = locality.gateways([Gateway("g1", 1, "n2", "c2")])
    assert through([group(FAR, host("p", network="n2", cluster="c2"))], "", known) == [({"g1": 1}, 1)]


def test_hosts_without_mutual_tls_cannot_cross_networks_and_leave_an_unweighted_group() -> None:
    known = locality.gateways([Gateway("g1", 1, "n2", "c2")])
    assert through([group(FAR, host("p", network="n2", cluster="c2", mtls=False))], "n1", known) == [({}, None)]


def test_weights_end_at_what_envoy_can_hold() -> None:
    known = locality.gateways(Gateway(f"g{n}", 1, "n2", "c2") for n in range(2))
    assert through([group(LOCAL, host("p", weight=2**32 - 1))], "n1", known) == [({"p": 2**32 - 1}, 2**32 - 1)]


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [("*", True), ("r1", True), ("r1/*", True), ("r1/z1", True), ("r1/z1/*", True), ("r1/z1/s2", False), ("r2", False)],
)
def test_patterns_fit_by_region_zone_and_subzone(pattern: str, fits: bool) -> None:
    assert locality.matches(LOCAL, pattern) is fits


def test_distribute_shares_a_percentage_by_old_weights_and_rounds_up() -> None:
    spec = {"distribute": [{"from": "r1/*", "to": {"r1/*": 50, "r2/*": 50}}]}
    made = balanced([group(LOCAL, weight=1), group(NEAR, weight=2), group(FAR, weight=7)], spec, outliers=False)
    assert [g.weight for g in made] == [17, 34, 50]


def test_distribute_empties_the_groups_that_it_does_not_name() -> None:
    spec = {"distribute": [{"from": LOCAL, "to": {FAR: 100}}]}
    made = balanced([group(LOCAL, weight=5), group(FAR, weight=1)], spec)
    assert [(len(g.hosts), g.weight) for g in made] == [(0, 5), (1, 100)]


def test_distribute_from_elsewhere_changes_nothing() -> None:
    groups = [group(LOCAL), group(FAR)]
    assert balanced(groups, {"distribute": [{"from": "r9", "to": {FAR: 100}}]}) == groups


def test_distribute_gives_a_group_without_weight_one() -> None:
    made = balanced([group(FAR, weight=None)], {"distribute": [{"from": "*", "to": {"*": 100}}]})
    assert [g.weight for g in made] == [100]


def test_priorities_follow_distance_without_gaps() -> None:
    made = balanced([group(FAR), group(LOCAL), group("r1/z1/s9")], {})
    assert [g.priority for g in made] == [2, 0, 1]


def test_without_outlier_detection_nothing_fails_over() -> None:
    assert [g.priority for g in balanced([group(LOCAL), group(FAR)], {"failover": []}, outliers=False)] == [0, 0]


def test_failover_prefers_the_region_that_it_names() -> None:
    spec = {"failover": [{"from": "r1", "to": "r3"}]}
    made = balanced([group(LOCAL), group(FAR), group("r3/z1/s1")], spec)
    assert [g.priority for g in made] == [0, 2, 1]


def test_failover_priority_splits_groups_by_leading_labels() -> None:
    hosts = [
        host("same", labels={"a": "1", "b": "2"}),
        host("first", labels={"a": "1"}),
        host("none", labels={"b": "2"}),
    ]
    made = balanced([group(LOCAL, *hosts, weight=3)], {"failoverPriority": ["a", "b"]}, {"a": "1", "b": "2"})
    assert [([h.address for h in g.hosts], g.weight, g.priority) for g in made] == [
        (["same"], 1, 0),
        (["first"], 1, 1),
        (["none"], 1, 2),
    ]


def test_failover_priority_may_state_the_value_itself() -> None:
    hosts = [host("old", labels={"version": "v1"}), host("new", labels={"version": "v2"})]
    made = balanced([group(LOCAL, *hosts, weight=2)], {"failoverPriority": ["version=v2"]}, {"version": "v1"})
    assert [([h.address for h in g.hosts], g.priority) for g in made] == [(["new"], 0), (["old"], 1)]


def test_a_foreign_network_as_first_label_still_lets_the_others_count() -> None:
    hosts = [
        host("zone", labels={NETWORK_LABEL: "n2", ZONE_LABEL: "z1"}),
        host("none", labels={NETWORK_LABEL: "n2"}),
        host("home", labels={NETWORK_LABEL: "n1"}),
    ]
    spec = {"failoverPriority": [NETWORK_LABEL, ZONE_LABEL]}
    made = balanced([group(LOCAL, *hosts, weight=3)], spec, {NETWORK_LABEL: "n1", ZONE_LABEL: "z1"})
    assert [([h.address for h in g.hosts], g.priority) for g in made] == [(["home"], 0), (["zone"], 1), (["none"], 2)]


def test_failover_refines_failover_priority() -> None:
    spec = {"failoverPriority": ["a"], "failover": [{"from": "r1", "to": "r3"}]}
    places = [group(FAR, host("x", labels={"a": "1"})), group("r3/z/s", host("y", labels={"a": "1"})), group(LOCAL)]
    assert [g.priority for g in balanced(places, spec, {"a": "1"})] == [1, 0, 2]


def test_zone_aware_keeps_the_region_together_and_fails_over_in_order() -> None:
    setting = Setting({"failover": [{"from": "r1", "to": "r3"}]}, forced=True, zone_aware=True)
    places = [group(LOCAL), group(NEAR), group(FAR), group("r3/z/s")]
    assert [g.priority for g in locality.balanced(places, setting, LOCAL, {}, False)] == [0, 0, 2, 1]


def test_zone_awareness_that_is_off_leaves_priorities_alone() -> None:
    setting = Setting({"enabled": False}, zone_aware=True)
    assert [g.priority for g in locality.balanced([group(LOCAL), group(FAR)], setting, LOCAL, {}, True)] == [0, 0]


def test_the_rules_setting_wins_over_the_services_and_the_services_over_the_meshs() -> None:
    mesh = {"localityLbSetting": {"distribute": [{"from": "*", "to": {"*": 100}}]}}
    own: dict[str, Any] = {"localityLbSetting": {"failover": []}}
    assert locality.effective(own, "PreferClose", mesh) == Setting({"failover": []})
    of_service = locality.effective({"simple": "RANDOM"}, "PreferClose", mesh)
    assert of_service == Setting({"failoverPriority": [NETWORK_LABEL, REGION_LABEL, ZONE_LABEL]}, forced=True)
    assert locality.effective(None, "", mesh) == Setting(mesh["localityLbSetting"])


@pytest.mark.parametrize("owner", ["policy", "mesh"])
def test_a_setting_that_is_switched_off_is_none(owner: str) -> None:
    off = {"localityLbSetting": {"enabled": False}}
    assert locality.effective(off if owner == "policy" else None, "", off) is None


PLACES = st.sampled_from([LOCAL, NEAR, FAR, "r3/z1/s1", "r1", ""])
HOSTS = st.builds(Host, address=st.uuids().map(str), weight=st.integers(1, 9), labels=st.just({}))


@given(st.lists(st.tuples(PLACES, HOSTS), max_size=12), st.lists(st.sampled_from(["a", "b"]), max_size=2), PLACES)
def test_failing_over_loses_no_host_and_leaves_no_gap(
    hosts: list[tuple[str, Host]], labels: list[str], place: str
) -> None:
    groups = locality.grouped(hosts)
    made = locality.balanced(groups, Setting({"failoverPriority": labels}), place, {"a": "1"}, outliers=True)
    assert sorted(h.address for g in made for h in g.hosts) == sorted(h.address for _, h in hosts)
    assert {g.priority for g in made} == set(range(len({g.priority for g in made})))
    assert sum(g.weight or 0 for g in made) == sum(h.weight for _, h in hosts)
