"""Load balancing and ejection that no recording shows, as Istio 1.31 translates them."""

from __future__ import annotations

import pytest

from meshctl.sandbox.xds import endpoints
from tests.sandbox.xds import recordings
from tests.sandbox.xds.recordings import (
    PRODUCTPAGE,
    SIDECAR,
    Json,
    built,
    rule,
    under,
)


@pytest.mark.parametrize(
    ("settings", "fields"),
    [
        ({}, {"lb_policy": "LEAST_REQUEST"}),
        ({"simple": "LEAST_CONN"}, {"lb_policy": "LEAST_REQUEST"}),
        ({"simple": "ROUND_ROBIN"}, {}),
        ({"simple": "RANDOM", "warmupDurationSecs": "10s"}, {"lb_policy": "RANDOM"}),
        (
            {"simple": "ROUND_ROBIN", "warmupDurationSecs": "1m"},
            {"round_robin_lb_config": {"slow_start_config": {"slow_start_window": "60s"}}},
        ),
        (
            {"warmup": {"duration": "9s"}},
            {
                "lb_policy": "LEAST_REQUEST",
                "least_request_lb_config": {
                    "slow_start_config": {
                        "slow_start_window": "9s",
                        "aggression": {"default_value": 1, "runtime_key": "("},
                        "min_weight_percent": {"value": 10},
                    }
                },
            },
        ),
        (
            {"consistentHash": {"useSourceIp": True}},
            {"lb_policy": "RING_HASH", "ring_hash_lb_config": {"minimum_ring_size": "1024"}},
        ),
        (
            {"consistentHash": {"ringHash": {"minimumRingSize": 7}}},
            {"lb_policy": "RING_HASH", "ring_hash_lb_config": {"minimum_ring_size": "7"}},
        ),
        ({"consistentHash": {"ringHash": {}}}, {"lb_policy": "RING_HASH"}),
        ({"consistentHash": {"maglev": {}}}, {"lb_policy": "MAGLEV"}),
        (
            {"consistentHash": {"maglev": {"tableSize": 101}}},
            {"lb_policy": "MAGLEV", "maglev_lb_config": {"table_size": "101"}},
        ),
    ],
)
def test_a_load_balancer_is_envoys_policy_and_its_configuration(settings: Json, fields: Json) -> None:
    found = under({"loadBalancer": settings})
    assert {name: value for name, value in found.items() if name.endswith("lb_config") or name == "lb_policy"} == {
        **fields,
        "common_lb_config": {"healthy_panic_threshold": {}},
    }


@pytest.mark.parametrize(
    ("policy", "common"),
    [
        (
            {"loadBalancer": {"zoneAwareLbSetting": {"minClusterSize": 3}}},
            {"zone_aware_lb_config": {"min_cluster_size": "3"}},
        ),
        (
            {"loadBalancer": {"zoneAwareLbSetting": {"enabled": False}}},
            {"zone_aware_lb_config": {"routing_enabled": {}}},
        ),
        ({"loadBalancer": {"localityLbSetting": {"failoverPriority": ["a"]}}}, {}),
        (
            {"loadBalancer": {"localityLbSetting": {"failoverPriority": ["a"]}}, "outlierDetection": {}},
            {"locality_weighted_lb_config": {}},
        ),
        ({"outlierDetection": {"minHealthPercent": 30}}, {"healthy_panic_threshold": {"value": 30}}),
    ],
)
def test_how_localities_count_is_in_the_common_part(policy: Json, common: Json) -> None:
    assert under(policy)["common_lb_config"] == {"healthy_panic_threshold": {}, **common}


def test_the_meshs_locality_setting_is_every_clusters() -> None:
    setting = {"distribute": [{"from": "*", "to": {"us-central2": 100}}]}
    mesh = recordings.with_objects(settings={"localityLbSetting": setting})
    assert built(mesh)[PRODUCTPAGE]["common_lb_config"]["locality_weighted_lb_config"] == {}
    groups = recordings.table(endpoints.build(mesh, recordings.member(SIDECAR))[PRODUCTPAGE])
    assert [list(group["endpoints"]) for group in groups] == [[], ["192.168.229.101:15443"], []]


def test_outlier_detection_counts_local_errors_apart_if_asked_to() -> None:
    split = {"splitExternalLocalOriginErrors": True, "consecutiveLocalOriginFailures": 3}
    assert under({"outlierDetection": {**split, "consecutiveGatewayErrors": 0}})["outlier_detection"] == {
        "enforcing_success_rate": 0,
        "consecutive_gateway_failure": 0,
        "enforcing_consecutive_gateway_failure": 0,
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": 3,
        "enforcing_consecutive_local_origin_failure": 100,
        "enforcing_local_origin_success_rate": 0,
    }


def test_a_gateway_stands_for_the_cluster_and_network_behind_it() -> None:
    setting = {"localityLbSetting": {"failoverPriority": ["topology.istio.io/cluster=cluster3"]}}
    mesh = recordings.with_objects(rule({"trafficPolicy": {"loadBalancer": setting, "outlierDetection": {}}}))
    groups = recordings.table(endpoints.build(mesh, recordings.member(SIDECAR))[PRODUCTPAGE])
    assert [(list(group["endpoints"]), group["priority"]) for group in groups] == [
        (["172.20.2.10:9080"], 1),
        (["192.168.229.101:15443"], 1),
        (["192.168.229.102:15443"], 0),
    ]
