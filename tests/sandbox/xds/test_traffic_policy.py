"""Precedence of destination, port, subset and a subset's port (Istio MergeSubsetTrafficPolicy)."""

from __future__ import annotations

import pytest

from meshctl.sandbox.xds import traffic_policy

POOL, OTHER_POOL = {"tcp": {"maxConnections": 1}}, {"tcp": {"maxConnections": 2}}
PORT_9080 = {"number": 9080}


def test_a_ports_entry_replaces_the_destinations_policy_entirely() -> None:
    policy = {
        "connectionPool": POOL,
        "tunnel": {},
        "portLevelSettings": [{"port": PORT_9080, "tls": {"mode": "SIMPLE"}}],
    }
    assert traffic_policy.at_port(policy, 9080) == {"tls": {"mode": "SIMPLE"}}
    assert traffic_policy.at_port(policy, 80)["connectionPool"] == POOL
    assert traffic_policy.at_port(None, 80) == {}


def test_a_subset_overrides_field_by_field() -> None:
    stated = {"connectionPool": POOL, "loadBalancer": {"simple": "RANDOM"}}
    merged = traffic_policy.for_subset(stated, {"connectionPool": OTHER_POOL, "proxyProtocol": {}}, 9080)
    assert merged == {"connectionPool": OTHER_POOL, "loadBalancer": {"simple": "RANDOM"}, "proxyProtocol": {}}


def test_a_subset_without_policy_inherits_the_ports() -> None:
    stated = {"connectionPool": POOL, "portLevelSettings": [{"port": PORT_9080, "loadBalancer": {}}]}
    assert traffic_policy.for_subset(stated, None, 9080) == {"loadBalancer": {}}


def test_a_subsets_port_unsets_what_it_does_not_say() -> None:
    own = {"loadBalancer": {"simple": "RANDOM"}, "portLevelSettings": [{"port": PORT_9080, "tls": {}}]}
    merged = traffic_policy.for_subset({"connectionPool": POOL}, own, 9080)
    assert {name: value for name, value in merged.items() if value is not None} == {"tls": {}}
    assert traffic_policy.for_subset({"connectionPool": POOL}, own, 80)["connectionPool"] == POOL


@pytest.mark.parametrize(
    ("policy", "mode"),
    [
        (None, None),
        ({}, None),
        ({"tls": {}}, "DISABLE"),
        ({"tls": {"mode": "SIMPLE"}}, "SIMPLE"),
        ({"tls": {"mode": "SIMPLE"}, "portLevelSettings": [{"port": PORT_9080, "tls": {"mode": "MUTUAL"}}]}, "MUTUAL"),
        ({"tls": {"mode": "SIMPLE"}, "portLevelSettings": [{"port": PORT_9080, "loadBalancer": {}}]}, "SIMPLE"),
    ],
)
def test_the_tls_mode_that_endpoints_are_judged_by(policy: dict[str, object] | None, mode: str | None) -> None:
    assert traffic_policy.tls_mode(policy, 9080) == mode
