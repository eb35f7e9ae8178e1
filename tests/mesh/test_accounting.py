"""Who answered a request, from what proxies wrote about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from meshctl.mesh import access_log, accounting
from meshctl.mesh.access_log import Entry
from meshctl.mesh.clusters import Survey
from meshctl.mesh.pod import Pod
from meshctl.mesh.traffic import Answer
from meshctl.mesh.trail import Step, Trail
from meshctl.validate import find_topology
from tests.mesh.pods import made
from tests.mesh.test_access_log import INBOUND, INGRESS

TOPOLOGY = find_topology(preset="classroom")
GATEWAYS = {"192.168.229.100": "cluster1", "192.168.229.101": "cluster2", "192.168.229.102": "cluster3"}
INGRESS_POD = made("cluster1", "ingress", "istio-ingressgateway", namespace="istio-system", address="172.20.0.3")
# Networks may use the same addresses: the second is cluster2's.
LOCAL = made("cluster1", "pp1", "productpage-v1", address="172.20.1.6")
SAME = made("cluster2", "other", "details-v1", address="172.20.1.6")
REMOTE = made("cluster2", "pp2", "productpage-v1", address="172.21.1.4")
NEIGHBOUR = made("cluster3", "pp3", "productpage-v1", address="172.22.0.4")
REVIEWS = made("cluster2", "rv", "reviews-v1", address="172.21.1.9")
SURVEY = Survey((INGRESS_POD, LOCAL, SAME, REMOTE, NEIGHBOUR, REVIEWS), {})


def line(text: str) -> Entry:
    entry = access_log.parse(text)
    assert entry
    return entry


def left(
    number: int, to: str, pod: Pod = INGRESS_POD, at: str = "1", service: str = "productpage", **more: Any
) -> Step:
    """A request that a proxy sent on."""
    cluster = f"outbound|9080||{service}.istio.svc.cluster.local"
    entry = replace(line(INGRESS), upstream_host=to, upstream_cluster=cluster, started=at, server_name="-", **more)
    return Step(number, pod, entry)


def arrived(number: int, pod: Pod, at: str = "2", code: int = 200) -> Step:
    """A request that a pod's proxy let in."""
    name = f"outbound_.9080_._.{pod.service}.istio.svc.cluster.local"
    return Step(number, pod, replace(line(INBOUND), server_name=name, started=at, code=code))


def trail(*steps: Step) -> Trail:
    return Trail({step.number: step for step in steps if step.pod == INGRESS_POD}, steps, ())


def known(answer: Answer, *steps: Step) -> Answer:
    (found,) = accounting.answers([answer], trail(*steps), accounting.addresses(TOPOLOGY, SURVEY), GATEWAYS)
    return found


def test_a_pod_of_ones_own_network_is_known_by_its_address() -> None:
    found = known(Answer(0, 0, 0, 200), left(0, "172.20.1.6:9080"))
    assert (found.pod, found.gateway, found.upstream, found.flags) == (LOCAL, "", "172.20.1.6:9080", "-")


def test_behind_a_gateway_it_is_who_let_the_request_in() -> None:
    found = known(
        Answer(0, 0, 0, 200), left(0, "192.168.229.101:15443"), arrived(0, NEIGHBOUR), arrived(0, REVIEWS, "3")
    )
    assert (found.pod, found.gateway) == (NEIGHBOUR, "cluster2")


def test_of_several_attempts_the_last_one_counts() -> None:
    first, last = arrived(0, REMOTE, "2", 503), arrived(0, NEIGHBOUR, "3")
    assert known(Answer(0, 0, 0, 200), left(0, "192.168.229.102:15443"), last, first).pod == NEIGHBOUR


def test_what_envoy_answered_itself_nobody_did() -> None:
    step = left(0, "192.168.229.101:15443", flags="UF", details="upstream_reset_before_response_started")
    found = known(Answer(0, 0, 0, 503), step)
    assert (found.pod, found.flags, found.gateway) == (None, "UF", "cluster2")


def test_an_answer_that_no_log_tells_of_stays_as_it_is() -> None:
    answer = Answer(7, 0, 0, 0, "timeout")
    assert known(answer, left(0, "172.20.1.6:9080")) == answer


def test_addresses_are_those_that_a_cluster_can_reach() -> None:
    seen = accounting.addresses(TOPOLOGY, SURVEY)
    assert seen["cluster1", "172.20.1.6"] == LOCAL
    assert seen["cluster2", "172.20.1.6"] == SAME
    assert seen["cluster3", "172.21.1.4"] == REMOTE
    assert ("cluster1", "172.21.1.4") not in seen


def test_hops_follow_the_calls() -> None:
    steps = (
        left(0, "172.20.1.6:9080"),
        arrived(0, LOCAL),
        left(0, "192.168.229.101:15443", LOCAL, "3", "reviews"),
        arrived(0, REVIEWS, "4"),
        left(1, "192.168.229.101:15443"),
        arrived(1, REMOTE),
        left(1, "-", REMOTE, "3", "reviews", flags="UH", details="no_healthy_upstream"),
    )
    first, second = accounting.hops(trail(*steps))
    assert (first.service, first.calls, first.requests) == ("productpage", 2, 2)
    assert {share.pod.name: share.requests for share in first.shares} == {"pp1": 1, "pp2": 1}
    assert (second.service, second.calls, second.requests, second.failures) == ("reviews", 2, 1, {"UH": 1})
    assert second.shares[0].codes == {200: 1}
