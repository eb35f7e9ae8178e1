"""EnvoyFilters for clusters (Istio networking/core/envoyfilter/cluster_patch.go)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.xds import recordings
from tests.sandbox.xds.recordings import INGRESS, PRODUCTPAGE, SIDECAR, Json, built, istio, rule


def patch(operation: str, value: Json, *, context: str = "ANY", proxy: Json | None = None, **cluster: Any) -> Json:
    match = {"context": context, **({"cluster": cluster} if cluster else {}), **({"proxy": proxy} if proxy else {})}
    return {"applyTo": "CLUSTER", "match": match, "patch": {"operation": operation, "value": value}}


def envoy_filter(*patches: Json, name: str = "f", namespace: str = "istio", **spec: Any) -> Json:
    return istio("EnvoyFilter", name, {"configPatches": list(patches), **spec}, namespace)


def patched(*added: Json, proxy: str = SIDECAR) -> dict[str, Json]:
    return built(recordings.with_objects(*added), proxy)


def timeouts(found: dict[str, Json]) -> set[str]:
    return {name for name, cluster in found.items() if cluster.get("connect_timeout") == "1s"}


TIMEOUT = {"connect_timeout": "1s"}


@pytest.mark.parametrize(
    ("match", "names"),
    [
        ({"name": PRODUCTPAGE}, {PRODUCTPAGE}),
        ({"service": "productpage.istio.svc.cluster.local"}, {PRODUCTPAGE, "inbound|9080||"}),
        ({"service": "productpage.istio.svc.cluster.local", "context": "SIDECAR_OUTBOUND"}, {PRODUCTPAGE}),
        ({"portNumber": 9080, "context": "SIDECAR_INBOUND"}, {"inbound|9080||"}),
        (
            {"portNumber": 15012, "service": "istiod.istio-system.svc.cluster.local"},
            {"outbound|15012||istiod.istio-system.svc.cluster.local"},
        ),
        ({"subset": "none"}, set()),
        ({"name": PRODUCTPAGE, "context": "GATEWAY"}, set()),
        ({"name": PRODUCTPAGE, "proxy": {"proxyVersion": r"^1\.31.*"}}, {PRODUCTPAGE}),
        ({"name": PRODUCTPAGE, "proxy": {"proxyVersion": r"^1\.2.*"}}, set()),
        ({"name": PRODUCTPAGE, "proxy": {"metadata": {"a": "b"}}}, set()),
    ],
)
def test_a_patch_changes_the_clusters_that_it_matches(match: Json, names: set[str]) -> None:
    assert timeouts(patched(envoy_filter(patch("MERGE", TIMEOUT, **match)))) == names


def test_a_patch_without_a_match_changes_every_cluster() -> None:
    found = patched(envoy_filter({"applyTo": "CLUSTER", "patch": {"operation": "MERGE", "value": TIMEOUT}}))
    assert timeouts(found) == found.keys()


def test_filters_of_the_root_namespace_are_for_all_others_for_their_own() -> None:
    root = envoy_filter(patch("MERGE", TIMEOUT, name=PRODUCTPAGE), namespace="istio-system")
    assert timeouts(patched(root)) == {PRODUCTPAGE}
    assert timeouts(patched(envoy_filter(patch("MERGE", TIMEOUT, name=PRODUCTPAGE)), proxy=INGRESS)) == set()
    chosen = envoy_filter(patch("MERGE", TIMEOUT, name=PRODUCTPAGE), workloadSelector={"labels": {"app": "sleep"}})
    assert timeouts(patched(chosen)) == set()
    assert timeouts(patched(chosen, proxy="cluster1/istio/sleep")) == {PRODUCTPAGE}


def test_filters_follow_one_another_by_priority() -> None:
    def with_timeout(seconds: int) -> Json:
        return patch("MERGE", {"connect_timeout": f"{seconds}s"}, name=PRODUCTPAGE)

    first = envoy_filter(with_timeout(1), name="b", priority=-1)
    last = envoy_filter(with_timeout(2), name="a", priority=5)
    assert patched(last, first)[PRODUCTPAGE]["connect_timeout"] == "2s"


def test_merging_adds_fields_appends_lists_and_knows_both_spellings() -> None:
    value = {
        "perConnectionBufferLimitBytes": 1,
        "lb_policy": "RANDOM",
        "circuitBreakers": {"thresholds": [{"priority": "HIGH", "maxConnections": 5}]},
    }
    found = patched(envoy_filter(patch("MERGE", value, name=PRODUCTPAGE)))[PRODUCTPAGE]
    assert found["per_connection_buffer_limit_bytes"] == 1
    assert found["lb_policy"] == "RANDOM"
    assert found["circuit_breakers"]["thresholds"][1] == {"priority": "HIGH", "max_connections": 5}
    assert found["connect_timeout"] == "10s"


def test_one_kind_of_balancing_replaces_another() -> None:
    hashing = rule({"trafficPolicy": {"loadBalancer": {"consistentHash": {"useSourceIp": True}}}})
    value = {"lb_policy": "MAGLEV", "maglev_lb_config": {"table_size": "101"}}
    found = patched(hashing, envoy_filter(patch("MERGE", value, name=PRODUCTPAGE)))[PRODUCTPAGE]
    assert found["maglev_lb_config"] == {"table_size": "101"}
    assert "ring_hash_lb_config" not in found


def test_what_protobuf_takes_for_unset_changes_nothing() -> None:
    value = {"lb_policy": "ROUND_ROBIN", "respect_dns_ttl": False}
    found = patched(envoy_filter(patch("MERGE", value, name=PRODUCTPAGE)))[PRODUCTPAGE]
    assert found["lb_policy"] == "LEAST_REQUEST"
    assert "respect_dns_ttl" not in found


def tls_socket(**config: Any) -> Json:
    kind = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
    return {"transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": {"@type": kind, **config}}}


def test_a_transport_socket_is_merged_into_the_match_of_its_name() -> None:
    found = patched(envoy_filter(patch("MERGE", tls_socket(sni="mine"), name=PRODUCTPAGE)))[PRODUCTPAGE]
    context = found["transport_socket_matches"][0]["transport_socket"]["typed_config"]
    assert context["sni"] == "mine"
    assert "common_tls_context" in context
    assert "transport_socket" not in found


def test_a_transport_socket_replaces_what_is_not_of_its_name() -> None:
    plain = rule({"trafficPolicy": {"tls": {"mode": "DISABLE"}}})
    found = patched(plain, envoy_filter(patch("MERGE", tls_socket(sni="mine"), name=PRODUCTPAGE)))[PRODUCTPAGE]
    assert found["transport_socket"] == tls_socket(sni="mine")["transport_socket"]


def test_clusters_are_added_and_removed() -> None:
    added = patch("ADD", {"name": "extra", "type": "STATIC"})
    inward = patch("ADD", {"name": "inward", "type": "STATIC"}, context="SIDECAR_INBOUND")
    found = patched(envoy_filter(added, inward, patch("REMOVE", {}, name=PRODUCTPAGE)))
    assert found["extra"] == {"name": "extra", "type": "STATIC"}
    assert "inward" in found
    assert PRODUCTPAGE not in found
    root = envoy_filter(added, inward, namespace="istio-system")
    assert {"extra", "inward"} & patched(root, proxy=INGRESS).keys() == {"extra"}
