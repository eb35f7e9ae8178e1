"""Clusters of services that no recording has: headless, by name, external, of one request (Istio 1.31)."""

from __future__ import annotations

from typing import Any

import pytest

from meshctl.sandbox.xds import endpoints
from tests.sandbox.xds import recordings
from tests.sandbox.xds.recordings import (
    EAST_WEST,
    INGRESS,
    PRODUCTPAGE,
    SIDECAR,
    Json,
    built,
    istio,
    rule,
)


def context(cluster: Json) -> Json:
    found: Json = cluster["transport_socket"]["typed_config"]
    return found


def headless(cluster_ip: str = "None") -> Json:
    spec = {"clusterIP": cluster_ip, "selector": {"app": "db"}, "ports": [{"name": "tcp", "port": 5432}]}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "db", "namespace": "istio"},
        "spec": spec,
    }


def slice_of(name: str, pod: Json) -> Json:
    reference = {"kind": "Pod", "name": pod["metadata"]["name"], "namespace": "istio"}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "addressType": "IPv4",
        "metadata": {"name": name, "namespace": "istio", "labels": {"kubernetes.io/service-name": name}},
        "ports": [{"name": "tcp", "port": 5432}],
        "endpoints": [{"addresses": [pod["status"]["podIP"]], "conditions": {"ready": True}, "targetRef": reference}],
    }


def database(*, sidecar: bool) -> Json:
    labels = {"app": "db", **({"security.istio.io/tlsMode": "istio"} if sidecar else {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "db-1", "namespace": "istio", "labels": labels},
        "spec": {"nodeName": "cluster1-n1", "serviceAccountName": "db"},
        "status": {"podIP": "172.20.1.77", "phase": "Running"},
    }


@pytest.mark.parametrize("sidecar", [True, False])
def test_a_headless_service_is_dialled_as_it_is_from_a_sidecar(sidecar: bool) -> None:
    pod = database(sidecar=sidecar)
    mesh = recordings.with_objects(headless(), pod, slice_of("db", pod))
    name = "outbound|5432||db.istio.svc.cluster.local"
    cluster = built(mesh)[name]
    assert (cluster["type"], cluster["lb_policy"]) == ("ORIGINAL_DST", "CLUSTER_PROVIDED")
    assert ("transport_socket" in cluster) is sidecar
    assert name not in endpoints.build(mesh, recordings.member(SIDECAR))
    assert built(mesh, INGRESS)[name]["type"] == "EDS"
    assert name in endpoints.build(mesh, recordings.member(INGRESS))


def test_udp_ports_and_external_names_have_no_cluster() -> None:
    external = headless() | {"spec": {"type": "ExternalName", "externalName": "a.example", "ports": [{"port": 80}]}}
    assert not [name for name in built(recordings.with_objects(external)) if "|db." in name]
    udp = headless("10.68.9.9")
    udp["spec"]["ports"] = [{"name": "dns", "port": 53, "protocol": "UDP"}]
    assert not [name for name in built(recordings.with_objects(udp)) if "|db." in name]


def entry(resolution: str, **spec: Any) -> Json:
    ports = [{"number": 443, "name": "tls", "protocol": "TLS"}]
    return istio("ServiceEntry", "shop", {"hosts": ["shop.example"], "ports": ports, "resolution": resolution, **spec})


SHOP = "outbound|443||shop.example"


def test_names_are_resolved_by_envoy() -> None:
    cluster = built(recordings.with_objects(entry("DNS")))[SHOP]
    assert cluster["type"] == "STRICT_DNS"
    assert cluster["dns_lookup_family"] == "V4_ONLY"
    assert cluster["dns_refresh_rate"] == "60s"
    assert cluster["respect_dns_ttl"] is True
    assert cluster["metadata"]["filter_metadata"]["istio"] == {
        "external": True,
        "services": [{"host": "shop.example", "name": "shop.example", "namespace": "istio"}],
    }
    assert "transport_socket_matches" not in cluster
    ((group,), name) = cluster["load_assignment"]["endpoints"], cluster["load_assignment"]["cluster_name"]
    (host,) = group["lb_endpoints"]
    assert name == SHOP
    assert host["endpoint"]["address"]["socket_address"] == {"address": "shop.example", "port_value": 443}
    assert host["metadata"]["filter_metadata"]["istio"]["workload"] == "shop;istio;shop;;cluster1"


def test_endpoints_of_a_name_may_be_elsewhere_and_on_another_port() -> None:
    places = [{"address": "a.example", "ports": {"tls": 8443}}, {"address": "b.example", "locality": "us-central2/z2"}]
    cluster = built(recordings.with_objects(entry("DNS", endpoints=places)))[SHOP]
    assert recordings.table(cluster["load_assignment"]) == [
        {"locality": "", "priority": 0, "weight": 2, "endpoints": {"a.example:8443": 2}},
        {"locality": "us-central2/z2", "priority": 0, "weight": 2, "endpoints": {"b.example:443": 2}},
    ]


def test_one_name_at_a_time_needs_exactly_one() -> None:
    """Envoy refuses a LOGICAL_DNS cluster otherwise, also where a gateway's view leaves nothing of it."""
    one = {"address": "a.example", "network": "network1"}
    mesh = recordings.with_objects(entry("DNS_ROUND_ROBIN", endpoints=[one]))
    assert built(mesh)[SHOP]["type"] == "LOGICAL_DNS"
    assert built(mesh, "cluster1/istio-system/istio-eastwestgateway")[SHOP]["type"] == "LOGICAL_DNS"
    assert SHOP not in built(mesh, "cluster2/istio-system/istio-eastwestgateway")
    assert SHOP not in built(mesh, "cluster2/istio/productpage-v1")


def test_a_name_without_any_endpoint_has_no_cluster() -> None:
    nobody = entry("DNS", workloadSelector={"labels": {"app": "nobody"}})
    assert SHOP not in built(recordings.with_objects(nobody))


def test_static_endpoints_come_by_eds_with_their_weights() -> None:
    places = [{"address": "1.1.1.1", "weight": 3}, {"address": "2.2.2.2", "network": "network2"}]
    mesh = recordings.with_objects(entry("STATIC", endpoints=places, location="MESH_INTERNAL"))
    assert built(mesh)[SHOP]["type"] == "EDS"
    assert "transport_socket_matches" in built(mesh)[SHOP]
    (group,) = recordings.table(endpoints.build(mesh, recordings.member(SIDECAR))[SHOP])
    assert group["endpoints"] == {"1.1.1.1:443": 6}, "the other network's endpoint speaks no mutual TLS"


def test_a_service_entry_selects_pods_and_workload_entries() -> None:
    machine = istio("WorkloadEntry", "vm", {"address": "3.3.3.3", "labels": {"app": "sleep"}, "serviceAccount": "vm"})
    selecting = entry("STATIC", workloadSelector={"labels": {"app": "sleep"}}, location="MESH_INTERNAL")
    mesh = recordings.with_objects(machine, selecting)
    found = recordings.table(endpoints.build(mesh, recordings.member(SIDECAR))[SHOP])
    assert [list(group["endpoints"]) for group in found] == [
        ["3.3.3.3:443"],
        ["172.20.2.16:443"],
        ["192.168.229.101:15443"],
        ["192.168.229.102:15443"],
    ]


def test_an_entry_without_resolution_goes_where_the_client_went() -> None:
    ports = [{"number": 443, "name": "tls", "protocol": "TLS", "targetPort": 8443}]
    cluster = built(recordings.with_objects(entry("NONE", ports=ports)))[SHOP]
    assert cluster["type"] == "ORIGINAL_DST"
    assert cluster["original_dst_lb_config"] == {"upstream_port_override": 8443}


def test_a_wildcard_name_is_resolved_by_request() -> None:
    ports = [{"number": 443, "name": "tls", "protocol": "TLS"}, {"number": 9, "name": "tcp", "protocol": "TCP"}]
    found = built(recordings.with_objects(entry("DYNAMIC_DNS", hosts=["*.example"], ports=ports)))
    cluster = found["outbound|443||*.example"]
    assert cluster["cluster_type"]["name"] == "envoy.clusters.dynamic_forward_proxy"
    cache = cluster["cluster_type"]["typed_config"]["dns_cache_config"]
    assert cache == {"name": "*.example_dfp_dns_cache", "dns_lookup_family": "V4_ONLY"}
    assert "outbound|9||*.example" not in found


def test_an_external_host_is_none_of_an_east_west_gateways() -> None:
    found = built(recordings.with_objects(entry("STATIC")), EAST_WEST)
    assert SHOP in found
    assert "outbound_.443_._.shop.example" not in found


def test_external_names_of_an_entry_are_what_its_servers_are_checked_for() -> None:
    tls = {"host": "shop.example", "trafficPolicy": {"tls": {"mode": "SIMPLE", "sni": "x"}}}
    named = entry("DNS", subjectAltNames=["shop.example"])
    found = context(built(recordings.with_objects(named, rule(tls)))[SHOP])["common_tls_context"]
    assert found["combined_validation_context"]["default_validation_context"] == {
        "match_subject_alt_names": [{"exact": "shop.example"}]
    }


def test_a_subset_of_a_passed_through_service_is_passed_through() -> None:
    subsets = [{"name": "v1", "labels": {"version": "v1"}, "trafficPolicy": {"loadBalancer": {"simple": "RANDOM"}}}]
    passed = rule({"trafficPolicy": {"loadBalancer": {"simple": "PASSTHROUGH"}}, "subsets": subsets})
    found = built(recordings.with_objects(passed))["outbound|9080|v1|productpage.istio.svc.cluster.local"]
    assert (found["type"], found["lb_policy"]) == ("ORIGINAL_DST", "CLUSTER_PROVIDED")


def test_a_service_may_prefer_its_zone() -> None:
    service = next(
        item
        for item in recordings.classroom().clusters["cluster1"]
        if item["kind"] == "Service" and item["metadata"]["name"] == "productpage"
    )
    close = {**service, "spec": {**service["spec"], "trafficDistribution": "PreferClose"}}
    mesh = recordings.with_objects(close)
    assert built(mesh)[PRODUCTPAGE]["common_lb_config"]["locality_weighted_lb_config"] == {}
    groups = recordings.table(endpoints.build(mesh, recordings.member(SIDECAR))[PRODUCTPAGE])
    assert [group["priority"] for group in groups] == [0, 1, 1]


def test_unready_endpoints_are_left_out_where_panic_would_send_them_traffic() -> None:
    policy = {"outlierDetection": {"minHealthPercent": 50}}
    slice_ = next(
        item
        for item in recordings.classroom().clusters["cluster1"]
        if item["kind"] == "EndpointSlice" and item["metadata"]["name"] == "productpage-abcde"
    )
    unready = [{**e, "conditions": {"ready": False, "terminating": False}} for e in slice_["endpoints"]]
    for added, hosts in (([], ["172.20.2.10:9080 UNHEALTHY"]), ([rule({"trafficPolicy": policy})], [])):
        mesh = recordings.with_objects({**slice_, "endpoints": unready}, *added)
        tables = recordings.table(endpoints.build(mesh, recordings.member(SIDECAR))[PRODUCTPAGE])
        assert [host for group in tables for host in group["endpoints"] if host.startswith("172")] == hosts
