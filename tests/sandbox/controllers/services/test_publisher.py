"""Endpoints and slices in a real API server, written by real controllers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.controllers.cluster import PODS, STRATEGIC, Cluster, cluster, until

Object = dict[str, Any]
SERVICES = "/api/v1/namespaces/default/services"
ENDPOINTS = "/api/v1/namespaces/default/endpoints"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster"), "a") as made:
        yield made


def start(shop: Cluster, name: str, app: str, address: str) -> None:
    spec = {"nodeName": "a", "containers": [{"name": "c", "image": "web:1"}], "terminationGracePeriodSeconds": 30}
    metadata = {"name": name, "labels": {"app": app}}
    shop.client.create(PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    shop.client.patch(f"{PODS}/{name}/status", {"status": {"podIP": address, "podIPs": [{"ip": address}]}}, STRATEGIC)


def serve(shop: Cluster, name: str, **spec: Any) -> None:
    body = {"ports": [{"name": "http", "port": 80}], **spec}
    shop.client.create(SERVICES, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": body})


def slices(shop: Cluster, name: str) -> list[Object]:
    found: list[Object] = shop.client.get(f"{SLICES}?labelSelector=kubernetes.io/service-name%3D{name}")["items"]
    return found


def ready(shop: Cluster, name: str) -> list[str]:
    endpoints = [one for found in slices(shop, name) for one in found.get("endpoints") or ()]
    return sorted(one["addresses"][0] for one in endpoints if one["conditions"]["ready"])


def test_endpoints_follow_pods(shop: Cluster) -> None:
    serve(shop, "web", selector={"app": "web"})
    until(lambda: len(slices(shop, "web")) == 1, "an empty slice")
    for number in (2, 3):
        start(shop, f"web-{number}", "web", f"172.20.0.{number}")
    until(lambda: ready(shop, "web") == ["172.20.0.2", "172.20.0.3"], "both pods")
    until(lambda: len(slices(shop, "web")) == 1, "the empty slice has gone")
    (subset,) = shop.client.get(f"{ENDPOINTS}/web")["subsets"]
    assert [one["ip"] for one in subset["addresses"]] == ["172.20.0.2", "172.20.0.3"]
    shop.client.patch(f"{PODS}/web-2", {"metadata": {"labels": {"app": "other"}}})
    until(lambda: ready(shop, "web") == ["172.20.0.3"], "the pod that is no longer selected has left")


def test_a_deleted_pod_leaves_at_once(shop: Cluster) -> None:
    serve(shop, "quick", selector={"app": "quick"})
    start(shop, "quick-1", "quick", "172.20.0.9")
    until(lambda: ready(shop, "quick") == ["172.20.0.9"], "the pod")
    begun = time.monotonic()
    shop.client.call("DELETE", f"{PODS}/quick-1")
    until(lambda: ready(shop, "quick") == [], "it has left")
    assert time.monotonic() - begun < 1


def test_a_slice_that_someone_changes_is_mended(shop: Cluster) -> None:
    serve(shop, "mended", selector={"app": "mended"})
    until(lambda: slices(shop, "mended"), "a slice")
    name = slices(shop, "mended")[0]["metadata"]["name"]
    foreign = {"addresses": ["172.20.0.77"], "conditions": {"ready": True}}
    shop.client.patch(f"{SLICES}/{name}", {"endpoints": [foreign]})
    until(lambda: ready(shop, "mended") == [], "the foreign endpoint has gone")
    shop.client.call("DELETE", f"{SLICES}/{name}")
    until(lambda: slices(shop, "mended"), "the slice is back")


def test_a_service_takes_its_endpoints_along(shop: Cluster) -> None:
    serve(shop, "leaves", selector={"app": "leaves"})
    until(lambda: slices(shop, "leaves") and shop.client.call("GET", f"{ENDPOINTS}/leaves")[0] == 200, "endpoints")
    shop.client.call("DELETE", f"{SERVICES}/leaves")
    until(lambda: not slices(shop, "leaves"), "no slice")
    until(lambda: shop.client.call("GET", f"{ENDPOINTS}/leaves")[0] == 404, "no Endpoints")


def test_without_a_selector_what_users_write_stays_and_is_mirrored(shop: Cluster) -> None:
    serve(shop, "manual")
    own = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "by-hand", "labels": {"kubernetes.io/service-name": "manual"}},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 80}],
        "endpoints": [{"addresses": ["192.168.229.9"], "conditions": {"ready": True}}],
    }
    shop.client.create(SLICES, own)
    subset = {"addresses": [{"ip": "192.168.229.8"}], "ports": [{"name": "http", "port": 80}]}
    written = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "manual"}, "subsets": [subset]}
    shop.client.create(ENDPOINTS, written)
    until(lambda: ready(shop, "manual") == ["192.168.229.8", "192.168.229.9"], "the mirrored address")
    shop.client.call("DELETE", f"{ENDPOINTS}/manual")
    until(lambda: ready(shop, "manual") == ["192.168.229.9"], "only the user's own slice")
