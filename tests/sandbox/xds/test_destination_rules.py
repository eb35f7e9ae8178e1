"""Which DestinationRules a proxy obeys, and how several become one (Istio pilot/pkg/model)."""

from __future__ import annotations

from typing import Any

import pytest

from meshctl.sandbox.xds import destination_rules
from meshctl.sandbox.xds.configs import Config
from meshctl.sandbox.xds.destination_rules import DestinationRules
from meshctl.sandbox.xds.mesh_config import MeshConfig
from meshctl.sandbox.xds.service import Service

HOST = "a.shop.svc.cluster.local"
SERVICE = Service(HOST, "a", "shop", ())


def rule(name: str, namespace: str = "shop", host: str = HOST, **spec: Any) -> Config:
    return Config("DestinationRule", name, namespace, {"host": host, **spec})


def index(*rules: Config, **settings: Any) -> DestinationRules:
    return destination_rules.index(rules, MeshConfig(**settings))


def names(rules: DestinationRules, namespace: str) -> list[str]:
    return [found.config.name for found in rules.visible(SERVICE, namespace)]


def test_the_clients_namespace_comes_before_the_services_and_the_root() -> None:
    rules = index(rule("of-root", "istio-system"), rule("of-service"), rule("of-client", "client"))
    assert names(rules, "client") == ["of-client"]
    assert names(rules, "other") == ["of-service"]
    assert names(index(rule("of-root", "istio-system")), "other") == ["of-root"]


def test_a_gateway_in_the_root_namespace_asks_the_service_first() -> None:
    rules = index(rule("of-root", "istio-system"), rule("of-service"))
    assert names(rules, "istio-system") == ["of-service"]


def test_a_private_rule_of_the_root_namespace_is_for_its_own_proxies() -> None:
    rules = index(rule("private", "istio-system", exportTo=["."]), rule("of-service"))
    assert names(rules, "istio-system") == ["private"]
    assert names(rules, "client") == ["of-service"]


@pytest.mark.parametrize(
    ("export_to", "seen_by"),
    [
        (None, ["shop", "client", "istio-system"]),
        (["*"], ["shop", "client", "istio-system"]),
        (["."], ["shop"]),
        (["client"], ["client"]),
        (["istio-system"], ["istio-system"]),
    ],
)
def test_a_rule_is_seen_where_it_is_exported_to(export_to: list[str] | None, seen_by: list[str]) -> None:
    rules = index(rule("r", exportTo=export_to))
    assert [ns for ns in ("shop", "client", "istio-system") if names(rules, ns)] == seen_by


def test_the_mesh_may_keep_rules_private_by_default() -> None:
    rules = index(rule("r"), destination_rule_export_to=(".",))
    assert [ns for ns in ("shop", "client") if names(rules, ns)] == ["shop"]


def test_a_short_host_belongs_to_the_rules_own_namespace() -> None:
    assert names(index(rule("r", host="a")), "client") == ["r"]
    assert names(index(rule("r", "client", host="a")), "client") == []


@pytest.mark.parametrize("other", ["*.local", "*.shop.svc.cluster.local", "*"])
def test_the_most_specific_host_wins(other: str) -> None:
    assert names(index(rule("wide", host=other), rule("exact")), "client") == ["exact"]
    assert names(index(rule("wide", host=other)), "client") == ["wide"]


def test_the_longest_wildcard_wins() -> None:
    rules = index(rule("a-all", host="*"), rule("long", host="*.shop.svc.cluster.local"), rule("short", host="*.local"))
    assert names(rules, "client") == ["long"]


def test_rules_for_one_host_merge_into_the_oldest() -> None:
    older = rule("older", subsets=[{"name": "v1", "labels": {"version": "v1"}}], trafficPolicy={"tls": {}})
    newer = rule("newer", subsets=[{"name": "v1"}, {"name": "v2"}], trafficPolicy={"loadBalancer": {}})
    (found,) = index(older, newer).visible(SERVICE, "client")
    assert found.config.name == "older"
    assert found.spec["trafficPolicy"] == {"tls": {}}
    assert [s["name"] for s in found.spec["subsets"]] == ["v1", "v2"]
    assert found.spec["subsets"][0]["labels"] == {"version": "v1"}


def test_a_rule_without_a_policy_takes_the_newer_ones() -> None:
    (found,) = index(rule("older"), rule("newer", trafficPolicy={"tls": {}})).visible(SERVICE, "client")
    assert found.spec["trafficPolicy"] == {"tls": {}}


def test_rules_for_different_audiences_do_not_merge() -> None:
    rules = index(rule("all", subsets=[{"name": "v1"}]), rule("some", exportTo=["client"], subsets=[{"name": "v2"}]))
    found = rules.visible(SERVICE, "client")
    assert [[s["name"] for s in r.spec["subsets"]] for r in found] == [["v1"], ["v2"]]


def test_a_wider_audience_adds_its_subsets_to_the_narrower() -> None:
    narrow = rule("narrow", exportTo=["client"], subsets=[{"name": "v1"}])
    wide = rule("wide", exportTo=["client", "other"], subsets=[{"name": "v2"}])
    rules = index(narrow, wide)
    assert [[s["name"] for s in r.spec["subsets"]] for r in rules.visible(SERVICE, "client")] == [["v1", "v2"]]


def test_a_rule_for_chosen_workloads_counts_for_them_alone() -> None:
    chosen = rule("chosen", "client", workloadSelector={"matchLabels": {"app": "web"}})
    everyone = rule("everyone", "client")
    found = index(everyone, chosen).visible(SERVICE, "client")
    picked = [destination_rules.select(found, labels, "client") for labels in ({"app": "web"}, {"app": "db"}, None)]
    assert [r.config.name if r else None for r in picked] == ["chosen", "everyone", "everyone"]


def test_a_rule_for_chosen_workloads_stays_in_its_namespace() -> None:
    rules = index(rule("chosen", workloadSelector={"matchLabels": {}}))
    assert names(rules, "client") == []
    assert names(rules, "shop") == ["chosen"]
