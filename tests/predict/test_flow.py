"""Where requests end, through both hops: the classroom's worked examples."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from meshctl.predict.flow import Prediction, predict
from meshctl.predict.mesh import Mesh, bookinfo
from meshctl.predict.outage import Failing, damage
from meshctl.predict.targets import parse
from meshctl.predict.warning import warnings
from meshctl.validate import find_topology

THIRD, HALF, ALL = Fraction(1, 3), Fraction(1, 2), Fraction(1)
OUTLIER = {"consecutive5xxErrors": 1, "maxEjectionPercent": 100}
COURSE_OUTLIER = {"consecutive5xxErrors": 1}
THERE_AND_BACK = [{"from": "us-central1", "to": "us-central2"}, {"from": "us-central2", "to": "us-central1"}]


def rule(setting: dict[str, Any] | None = None, outlier: dict[str, Any] | None = None) -> dict[str, Any]:
    policy: dict[str, Any] = {}
    if setting:
        policy["loadBalancer"] = {"localityLbSetting": setting}
    if outlier:
        policy["outlierDetection"] = outlier
    spec = {"host": "productpage", "trafficPolicy": policy}
    return {"kind": "DestinationRule", "metadata": {"name": "pp", "namespace": "istio"}, "spec": spec}


def distribute(**to: int) -> dict[str, Any]:
    names = {f"us-central{key[-1]}/z{key[-1]}/*": weight for key, weight in to.items()}
    return {"distribute": [{"from": "us-central1/z1/*", "to": names}]}


def classroom(**replicas: int) -> Mesh:
    return bookinfo(find_topology(preset="classroom"), {f"productpage@{key}": n for key, n in replicas.items()})


def ends(rules: list[dict[str, Any]], *fail: str, client: str = "cluster1", **replicas: int) -> Prediction:
    mesh = classroom(**replicas)
    return predict(damage(mesh, parse(fail, mesh)), mesh.sidecar(client), "productpage", rules)


def shares(result: Prediction) -> list[Fraction]:
    return list(result.clusters(classroom()).values())


@pytest.mark.parametrize("client", ["cluster1", "cluster2", "cluster3"])
def test_without_a_rule_every_cluster_gets_a_third(client: str) -> None:
    assert shares(ends([], client=client)) == [THIRD, THIRD, THIRD]


def test_all_to_cluster3_is_half_cluster2_behind_a_shared_network() -> None:
    result = ends([rule(distribute(c3=100))])
    assert result.client.shares == {"192.168.229.102:15443": ALL}
    assert shares(result) == [0, HALF, HALF]


def test_distribute_away_empties_the_gateway_of_cluster1_and_retries_hide_it() -> None:
    result = ends([rule(distribute(c3=100))], client="cluster2")
    assert result.gateways["cluster1"].shares == {}
    assert result.failed == 0
    assert shares(result) == [0, HALF, HALF]


def test_fifty_fifty() -> None:
    assert shares(ends([rule(distribute(c2=50, c3=50))])) == [0, HALF, HALF]


def test_failover_keeps_requests_at_home() -> None:
    result = ends([rule({"failover": THERE_AND_BACK}, OUTLIER)])
    assert shares(result) == [ALL, 0, 0]
    assert [group.priority for group in result.client.table] == [0, 1, 2]


def test_failover_to_the_named_region_when_the_local_pod_is_gone() -> None:
    assert shares(ends([rule({"failover": THERE_AND_BACK}, OUTLIER)], "gone/productpage@cluster1")) == [0, ALL, 0]


def test_a_pod_that_is_not_ready_moves_traffic_as_one_that_is_gone() -> None:
    result = ends([rule({"failover": THERE_AND_BACK}, OUTLIER)], "unready/productpage@cluster1")
    assert shares(result) == [0, ALL, 0]
    assert [e.healthy for group in result.client.table for e in group.endpoints] == [False, True, True]


def test_failover_goes_on_to_the_third_cluster_if_everything_may_be_ejected() -> None:
    result = ends([rule({"failover": THERE_AND_BACK}, OUTLIER)], "gone/productpage@cluster1", "cluster2")
    assert shares(result) == [0, 0, ALL]
    assert result.failed == 0
    assert result.client.ejected == ("192.168.229.101:15443",)


def test_the_default_ejection_limit_never_fails_over() -> None:
    result = ends([rule({"failover": THERE_AND_BACK}, COURSE_OUTLIER)], "gone/productpage@cluster1", "cluster2")
    assert result.failed == result.stalled == 1
    assert result.client.ejected == ()


def test_a_failing_local_pod_is_ejected_and_traffic_moves() -> None:
    failing = "failing/productpage@cluster1"
    assert shares(ends([rule({"failover": THERE_AND_BACK}, OUTLIER)], failing)) == [0, ALL, 0]
    assert ends([rule({"failover": THERE_AND_BACK}, COURSE_OUTLIER)], failing).failed == 1


def test_one_of_two_local_pods_ejected_leaves_seventy_percent() -> None:
    # outlierDetection alone fails over by default: own region first, then both others alike.
    mesh = classroom(cluster1=2)
    broken = damage(mesh, ())
    first = next(pod.address for pod in mesh.pods if pod.cluster == "cluster1")
    broken = replace(broken, failing={first: Failing()})
    result = predict(broken, mesh.sidecar("cluster1"), "productpage", [rule(None, OUTLIER)])
    assert result.clusters(mesh)["cluster1"] == Fraction(7, 10)
    assert result.failed == 0


def test_retries_hide_a_dead_cluster_but_requests_stall() -> None:
    result = ends([], "cluster2")
    assert result.failed == 0 or result.failed < THIRD
    assert result.stalled > THIRD


def test_outages_that_are_none_are_all_named() -> None:
    from meshctl.errors import InvalidInput

    with pytest.raises(InvalidInput) as caught:
        parse(["cluster9", "gone/productpage", "gone/shop@cluster1"], classroom())
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("setting", "outlier", "words"),
    [
        ({"failover": THERE_AND_BACK}, None, "failover without outlierDetection does nothing"),
        ({"failover": THERE_AND_BACK}, COURSE_OUTLIER, "maxEjectionPercent 10 of 3 hosts forbids any ejection"),
        (distribute(c3=100), None, "us-central1/z1/sz01 itself gets nothing"),
        (distribute(c2=50, c3=40), None, "sum to 90"),
        ({"failover": [{"from": "us-central1", "to": "mars"}]}, OUTLIER, "no cluster is in that region"),
        (None, {"consecutiveErrors": 7}, "consecutiveErrors is ignored"),
    ],
)
def test_warnings(setting: dict[str, Any] | None, outlier: dict[str, Any] | None, words: str) -> None:
    assert any(words in text for text in warnings(classroom(), [rule(setting, outlier)]))


def test_a_good_rule_has_no_warning() -> None:
    assert warnings(classroom(), [rule({"failover": THERE_AND_BACK}, OUTLIER)]) == []
