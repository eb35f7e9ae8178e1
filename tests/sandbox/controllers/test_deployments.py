"""Deployments roll out, scale, pause and roll back, with real controllers at a real API server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.controllers.cluster import APPS, PODS, Cluster, cluster, until


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Cluster]:
    with cluster(tmp_path, "a", "b", "c") as made:
        yield made


def test_a_rollout_keeps_within_its_limits(three: Cluster) -> None:
    three.deploy("web", 4)
    until(lambda: three.done("web", 4), "4 replicas")
    three.most = 0
    three.image("web", "web:2")
    fewest = 4
    while not three.done("web", 4):
        fewest = min(fewest, three.deployment("web")["status"].get("availableReplicas", 0))
    assert three.images() == ["web:2"] * 4
    assert fewest >= 3
    assert three.most <= 5
    revisions = sorted(one["metadata"]["annotations"]["deployment.kubernetes.io/revision"] for one in three.sets())
    assert revisions == ["1", "2"]


def test_pods_spread_over_nodes_and_avoid_a_cordoned_one(three: Cluster) -> None:
    three.client.patch("/api/v1/nodes/b", {"spec": {"unschedulable": True}})
    three.deploy("web", 4)
    until(lambda: three.done("web", 4), "4 replicas")
    assert sorted(one["spec"]["nodeName"] for one in three.pods()) == ["a", "a", "c", "c"]


def test_a_pod_without_a_place_is_told_why_and_goes_when_there_is_one(three: Cluster) -> None:
    three.deploy(
        "web",
        1,
        template={
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "c", "image": "web:1"}], "nodeSelector": {"disk": "fast"}},
        },
    )
    until(lambda: three.pods() and three.pods()[0]["status"].get("conditions"), "a condition")
    condition = three.pods()[0]["status"]["conditions"][0]
    assert condition["reason"] == "Unschedulable"
    assert condition["message"].startswith(
        "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector."
    )
    three.client.patch("/api/v1/nodes/c", {"metadata": {"labels": {"disk": "fast"}}})
    until(lambda: three.done("web", 1), "scheduled")
    assert three.pods()[0]["spec"]["nodeName"] == "c"


def test_what_is_not_ready_goes_first(three: Cluster) -> None:
    three.healthy = lambda pod: pod["spec"]["nodeName"] != "b"
    three.deploy("web", 3)
    until(lambda: three.deployment("web").get("status", {}).get("availableReplicas") == 2, "two of three")
    three.change("web", replicas=2)
    until(lambda: three.done("web", 2), "the two that are ready")
    assert sorted(one["spec"]["nodeName"] for one in three.pods()) == ["a", "c"]


def test_a_bad_rollout_stops_times_out_and_is_undone(three: Cluster) -> None:
    three.deploy("web", 4, progressDeadlineSeconds=2, minReadySeconds=1)
    until(lambda: three.done("web", 4), "4 replicas")
    three.healthy = lambda pod: pod["spec"]["containers"][0]["image"] != "bad"
    three.image("web", "bad")
    until(lambda: three.condition("web", "Progressing").get("reason") == "ProgressDeadlineExceeded", "timed out")
    assert three.images() == ["bad"] * 2 + ["web:1"] * 3
    assert three.condition("web", "Available")["status"] == "True"
    three.image("web", "web:1")
    until(lambda: three.done("web", 4), "rolled back")
    assert three.images() == ["web:1"] * 4
    assert {one["metadata"]["annotations"]["deployment.kubernetes.io/revision"] for one in three.sets()} == {"2", "3"}


def test_recreate_never_runs_two_versions(three: Cluster) -> None:
    three.deploy("web", 3, strategy={"type": "Recreate"})
    until(lambda: three.done("web", 3), "3 replicas")
    three.most = 0
    three.image("web", "web:2")
    seen = set()
    while not three.done("web", 3):
        seen.add(tuple(sorted({one["spec"]["containers"][0]["image"] for one in three.client.get(PODS)["items"]})))
    assert ("web:1", "web:2") not in seen
    assert three.images() == ["web:2"] * 3
    assert three.most <= 3


def test_a_paused_deployment_scales_and_waits(three: Cluster) -> None:
    three.deploy("web", 2)
    until(lambda: three.done("web", 2), "2 replicas")
    three.change("web", paused=True)
    until(lambda: three.condition("web", "Progressing").get("reason") == "DeploymentPaused", "paused")
    three.image("web", "web:2")
    three.change("web", replicas=3)
    until(lambda: three.images() == ["web:1"] * 3, "scaled")
    three.change("web", paused=False)
    until(lambda: three.done("web", 3), "resumed")
    assert three.images() == ["web:2"] * 3


def test_history_is_as_long_as_stated(three: Cluster) -> None:
    three.deploy("web", 1, revisionHistoryLimit=1)
    for number in range(2, 5):
        until(lambda: three.done("web", 1), f"before {number}")
        three.image("web", f"web:{number}")
    until(lambda: three.done("web", 1) and len(three.sets()) == 2, "one old ReplicaSet")
    assert {one["metadata"]["annotations"]["deployment.kubernetes.io/revision"] for one in three.sets()} == {"3", "4"}


def test_pods_are_adopted_and_released_by_their_labels(three: Cluster) -> None:
    orphan = {
        "metadata": {"name": "orphan", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    three.client.create(PODS, orphan)
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    three.client.create(f"{APPS}/replicasets", {"metadata": {"name": "web"}, "spec": spec})
    until(lambda: len(three.pods()) == 2, "one more")
    owner = three.client.get(f"{PODS}/orphan")["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("ReplicaSet", "web", True)
    three.client.patch(f"{PODS}/orphan", {"metadata": {"labels": {"app": "other"}}})
    until(lambda: len(three.pods()) == 3, "another in its place")
    until(lambda: not three.client.get(f"{PODS}/orphan")["metadata"].get("ownerReferences"), "released")


def test_what_cannot_be_created_is_told_and_tried_again(three: Cluster) -> None:
    spec = {"containers": [{"name": "c", "image": "i"}], "serviceAccountName": "late"}
    three.deploy("web", 1, template={"metadata": {"labels": {"app": "web"}}, "spec": spec})
    until(lambda: three.condition("web", "ReplicaFailure"), "a reason")
    assert three.condition("web", "ReplicaFailure")["message"].endswith('serviceaccount "late" not found')
    three.client.create("/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "late"}})
    until(lambda: three.done("web", 1), "created")
    assert not three.condition("web", "ReplicaFailure")


def test_controllers_that_are_killed_go_on(tmp_path: Path) -> None:
    with cluster(tmp_path, "a", "b") as made:
        made.deploy("web", 6)
        until(made.pods, "the first pods")
    with cluster(tmp_path) as again:
        until(lambda: again.done("web", 6), "the rest")
        assert len(again.pods()) == 6
