"""Commands that look into a live classroom: what they print comes from its real Envoys."""

from __future__ import annotations

import pytest

from tests.live.machine import Machine

from .command_line import meshctl, told

pytestmark = pytest.mark.live

REQUESTS = 300
GROUPS = {"cluster1": "us-central1/z1/sz01", "cluster2": "us-central2/z2/sz02", "cluster3": "us-central3/z3/sz03"}
GATEWAYS = {f"cluster{number + 1}": f"192.168.229.{100 + number}:15443" for number in range(3)}
# Worked example A: pods of one's own network, gateways of the other's clusters, each group of weight 2.
REMOTE = {"cluster1": ("cluster2", "cluster3"), "cluster2": ("cluster1",), "cluster3": ("cluster1",)}


def test_every_proxy_is_synced(machine: Machine) -> None:
    proxies = told(machine, "status")["proxies"]
    assert len(proxies) == 27
    assert all(one["synced"] for one in proxies), proxies


@pytest.mark.parametrize("cluster", GROUPS)
def test_endpoint_tables_are_those_of_the_worked_example(machine: Machine, cluster: str) -> None:
    found = told(machine, "endpoints", f"{cluster}/deploy/istio-ingressgateway", "--cluster-name", "productpage")
    by_locality = {one["locality"]: one for one in found["endpoints"]}
    assert sorted(by_locality) == sorted(GROUPS.values())
    for other, locality in GROUPS.items():
        one = by_locality[locality]
        assert (one["priority"], one["weight"], one["status"], one["outlier_check"]) == (0, 2, "HEALTHY", "OK")
        assert (one["address"] == GATEWAYS[other]) == (other in REMOTE[cluster])


def test_traffic_finds_who_answered_every_request(machine: Machine) -> None:
    found = told(machine, "traffic", "--requests", str(REQUESTS))
    assert found["outcomes"] == {"200": REQUESTS}
    assert (found["unseen"], found["notes"], found["flags"]) == (0, [], {})
    hops = {hop["service"]: hop for hop in found["hops"]}
    assert list(hops) == ["productpage", "details", "reviews", "ratings"]
    assert [hops[name]["arrived"] for name in ("productpage", "details", "reviews")] == [REQUESTS] * 3
    stars = sum(share["requests"] for share in hops["reviews"]["shares"] if share["version"] != "v1")
    assert hops["ratings"]["arrived"] == stars
    assert sum(found["clusters"].values()) == REQUESTS
    assert len(found["upstreams"]) == 3


def test_traffic_from_a_pod_goes_by_its_sidecar(machine: Machine) -> None:
    target = ("--url", "http://details.istio:9080", "--path", "/details/0", "-n", "40")
    found = told(machine, "traffic", "--from", "cluster2/deploy/productpage-v1", *target)
    assert found["outcomes"] == {"200": 40}
    (hop,) = found["hops"]
    assert (hop["service"], hop["arrived"], found["unseen"]) == ("details", 40, 0)
    assert {one["gateway"] for one in found["answers"]} <= {"", "cluster1"}


def test_a_path_that_no_route_has_is_told_by_its_flag(machine: Machine) -> None:
    found = told(machine, "traffic", "-n", "3", "--path", "/nowhere")
    assert (found["outcomes"], found["flags"]) == ({"404": 3}, {"NR": 3})


def test_logs_and_exec_reach_a_container(machine: Machine) -> None:
    pod = "cluster3/deploy/ratings-v1"
    line = meshctl(machine, "logs", pod, "--tail", "1").stdout
    assert line.endswith("200\n")
    ended = meshctl(machine, "exec", pod, "-c", "istio-proxy", "--", "pilot-agent", "request", "GET", "ready")
    assert (ended.returncode, ended.stdout.strip()) == (0, "LIVE")
    assert meshctl(machine, "exec", pod, "--", "sh", "-c", "exit 9").returncode == 9
