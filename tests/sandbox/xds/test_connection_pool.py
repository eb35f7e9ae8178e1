"""Connection pools and HTTP versions that no recording shows, as Istio 1.31 translates them."""

from __future__ import annotations

from tests.sandbox.xds import recordings
from tests.sandbox.xds.recordings import (
    built,
    http_options,
    under,
)


def test_retry_budget_has_istios_defaults() -> None:
    (threshold,) = under({"retryBudget": {}})["circuit_breakers"]["thresholds"]
    assert threshold["retry_budget"] == {"budget_percent": {"value": 20}, "min_retry_concurrency": 3}
    own = {"percent": 50, "budgetInterval": "5s", "minRetryConcurrency": 7}
    (threshold,) = under({"retryBudget": own})["circuit_breakers"]["thresholds"]
    assert threshold["retry_budget"] == {
        "budget_percent": {"value": 50},
        "budget_interval": "5s",
        "min_retry_concurrency": 7,
    }


def test_keep_alive_of_the_rule_is_laid_over_the_meshs() -> None:
    mesh = {"time": "7200s", "probes": 3}
    found = under({"connectionPool": {"tcp": {"tcpKeepalive": {"interval": "1m15s", "probes": 9}}}}, tcpKeepalive=mesh)
    assert found["upstream_connection_options"] == {
        "tcp_keepalive": {"keepalive_probes": 9, "keepalive_time": 7200, "keepalive_interval": 75}
    }
    assert under({}, tcpKeepalive=mesh)["upstream_connection_options"]["tcp_keepalive"]["keepalive_probes"] == 3


def test_http_limits_make_http_options() -> None:
    pool = {"tcp": {"idleTimeout": "2h", "maxConnectionDuration": "1.5s"}, "http": {"maxRequestsPerConnection": 5}}
    assert http_options(under({"connectionPool": pool})) == {
        "common_http_protocol_options": {
            "idle_timeout": "7200s",
            "max_connection_duration": "1.500s",
            "max_requests_per_connection": 5,
        },
        "explicit_http_config": {"http_protocol_options": {}},
    }


def test_the_http_idle_timeout_wins_over_the_tcp_one() -> None:
    pool = {"tcp": {"idleTimeout": "2h"}, "http": {"idleTimeout": "3s"}}
    assert http_options(under({"connectionPool": pool}))["common_http_protocol_options"] == {"idle_timeout": "3s"}


def test_http2_limits_count_on_http2_alone() -> None:
    limits = {"maxConcurrentStreams": 8, "http2KeepAlive": {"interval": "10s", "timeout": "1s"}}
    upgraded = http_options(under({"connectionPool": {"http": {"h2UpgradePolicy": "UPGRADE", **limits}}}))
    assert upgraded["explicit_http_config"] == {
        "http2_protocol_options": {
            "max_concurrent_streams": 8,
            "connection_keepalive": {"interval": "10s", "timeout": "1s"},
        }
    }
    plain = http_options(under({"connectionPool": {"http": limits}}))
    assert plain == {
        "common_http_protocol_options": {},
        "explicit_http_config": {"http_protocol_options": {}},
    }


def test_the_clients_protocol_is_used_where_asked_for_and_never_upgraded() -> None:
    pool = {"http": {"useClientProtocol": True, "h2UpgradePolicy": "UPGRADE"}}
    assert http_options(under({"connectionPool": pool})) == {
        "use_downstream_protocol_config": {"http_protocol_options": {}, "http2_protocol_options": {}}
    }


def test_a_mesh_that_upgrades_leaves_tcp_ports_and_refusals_alone() -> None:
    assert "http2_protocol_options" in http_options(under({}, h2UpgradePolicy="UPGRADE"))["explicit_http_config"]
    refused = under({"connectionPool": {"http": {"h2UpgradePolicy": "DO_NOT_UPGRADE"}}}, h2UpgradePolicy="UPGRADE")
    assert "typed_extension_protocol_options" not in refused
    found = built(recordings.with_objects(settings={"h2UpgradePolicy": "UPGRADE"}))
    assert (
        "typed_extension_protocol_options"
        not in found["outbound|15443||istio-ingressgateway.istio-system.svc.cluster.local"]
    )


def test_the_meshs_connect_timeout_holds_until_a_rule_says_otherwise() -> None:
    assert under({}, connectTimeout="3s")["connect_timeout"] == "3s"
    assert (
        under({"connectionPool": {"tcp": {"connectTimeout": "30ms"}}}, connectTimeout="3s")["connect_timeout"]
        == "0.030s"
    )
