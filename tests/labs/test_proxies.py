"""A proxy's admin interface read as labs need it."""

from __future__ import annotations

from typing import Any

from meshctl.labs import proxies
from meshctl.labs.view import Seen, View, differences, groups
from meshctl.predict.balancing import LbEndpoint, LocalityEndpoints

NAME = "outbound|9080||productpage.istio.svc.cluster.local"
RULE = "/apis/networking.istio.io/v1/namespaces/istio/destination-rule/distribute"


def host(address: str, port: int, region: str, priority: int = 0, **health: Any) -> dict[str, Any]:
    return {
        "address": {"socket_address": {"address": address, "port_value": port}},
        "health_status": {"eds_health_status": "HEALTHY", **health},
        "weight": 2,
        "priority": priority,
        "locality": {"region": region, "zone": "z", "sub_zone": "s"},
    }


def dump(rule: str | None) -> dict[str, Any]:
    istio = {"config": rule} if rule else {}
    cluster = {"name": NAME, "type": "EDS", "metadata": {"filter_metadata": {"istio": istio}}}
    group = {"locality": {"region": "r1", "zone": "z", "sub_zone": "s"}, "load_balancing_weight": 4}
    return {
        "configs": [
            {
                "@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump",
                "dynamic_active_clusters": [{"cluster": cluster}],
            },
            {
                "@type": "type.googleapis.com/envoy.admin.v3.EndpointsConfigDump",
                "dynamic_endpoint_configs": [{"endpoint_config": {"cluster_name": NAME, "endpoints": [group]}}],
            },
        ]
    }


def read(rule: str | None) -> Seen:
    hosts = [host("10.0.0.1", 9080, "r1"), host("10.0.0.2", 15443, "r2", 1, failed_outlier_check=True)]
    return proxies.seen({"cluster_statuses": [{"name": NAME, "host_statuses": hosts}]}, dump(rule), NAME)


def test_table_ejections_and_rule() -> None:
    seen = read(RULE)
    assert seen.rule == "distribute"
    assert seen.ejected == {"10.0.0.2:15443"}
    assert groups(seen.table) == {
        (0, "r1/z/s"): (4, {"10.0.0.1:9080": (2, True)}),
        (1, "r2/z/s"): (None, {"10.0.0.2:15443": (2, True)}),
    }


def test_a_cluster_without_a_rule() -> None:
    assert read(None).rule == ""


def test_the_names_of_envoys_clusters() -> None:
    assert proxies.cluster_name(View("ingress", "cluster1"), "productpage") == NAME
    name = proxies.cluster_name(View("eastwest", "cluster1"), "productpage", "v1")
    assert name == "outbound_.9080_.v1_.productpage.istio.svc.cluster.local"


def test_differences_name_what_is_missing_and_what_is_too_much() -> None:
    wanted = (LocalityEndpoints("r1", (LbEndpoint("a:1", 2),), 2),)
    seen = (LocalityEndpoints("r1", (LbEndpoint("b:1", 2, healthy=False),), 2, 1),)
    assert differences(wanted, wanted) == []
    assert differences(wanted, seen) == [
        "missing a:1 (r1, priority 0, weight 2 of 2)",
        "unexpected b:1 (r1, priority 1, weight 2 of 2, UNHEALTHY)",
    ]
