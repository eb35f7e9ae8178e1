"""When a Deployment is rolled out, and who is blamed when it is not."""

from __future__ import annotations

from typing import Any

import pytest

from meshctl.kube.rollout import complete, reasons

Object = dict[str, Any]
DONE = {"observedGeneration": 2, "updatedReplicas": 2, "availableReplicas": 2, "replicas": 2}


def deployment(**status: Any) -> Object:
    metadata = {"name": "reviews-v1", "namespace": "istio", "generation": 2}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "reviews"}}}
    return {"metadata": metadata, "spec": spec, "status": {**DONE, **status}}


def pod(**status: Any) -> Object:
    return {"metadata": {"name": "reviews-v1-a", "namespace": "istio", "labels": {"app": "reviews"}}, "status": status}


def container(name: str, ready: bool = False, **state: Any) -> Object:
    return {"name": name, "ready": ready, "state": state}


def event(name: str, reason: str, message: str) -> Object:
    return {"type": "Warning", "involvedObject": {"name": name}, "reason": reason, "message": message}


def test_all_pods_of_the_last_template_and_available_is_complete() -> None:
    assert complete(deployment())


@pytest.mark.parametrize(
    "status", [{"observedGeneration": 1}, {"updatedReplicas": 1}, {"availableReplicas": 1}, {"replicas": 3}]
)
def test_anything_less_is_not(status: Object) -> None:
    assert not complete(deployment(**status))


def test_an_image_that_cannot_be_pulled_is_named_with_its_container() -> None:
    waiting = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "x"'}
    statuses = [container("reviews", waiting=waiting), container("istio-proxy", True, running={})]
    (line,) = reasons(deployment(), [pod(containerStatuses=statuses)], [])
    assert line == 'pod reviews-v1-a, container reviews: ImagePullBackOff: Back-off pulling image "x"'


def test_a_container_that_runs_and_is_not_ready_is_blamed_with_what_its_probe_said() -> None:
    told = event("reviews-v1-a", "Unhealthy", "Readiness probe failed: refused")
    found = pod(containerStatuses=[container("istio-proxy", running={"startedAt": "now"})])
    (line,) = reasons(deployment(), [found], [told])
    assert line == "pod reviews-v1-a, container istio-proxy: running, but unready (Readiness probe failed: refused)"


def test_a_failing_init_container_is_blamed_and_not_those_that_wait_for_it() -> None:
    ended = {"exitCode": 1, "reason": "Error"}
    found = pod(
        initContainerStatuses=[container("istio-init", terminated=ended)],
        containerStatuses=[container("reviews", waiting={"reason": "PodInitializing"})],
    )
    assert reasons(deployment(), [found], []) == ["pod reviews-v1-a, container istio-init: Error"]


def test_a_pod_without_a_node_says_why() -> None:
    message = "0/3 nodes are available"
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    (line,) = reasons(deployment(), [pod(conditions=[condition])], [])
    assert line == f"pod reviews-v1-a: Unschedulable: {message}"


def test_pods_that_could_not_be_made_leave_the_replica_sets_words() -> None:
    failed = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "webhook refused"}
    assert reasons(deployment(conditions=[failed]), [], []) == ["FailedCreate: webhook refused"]
    told = event("reviews-v1-5d", "FailedCreate", "no such account")
    assert reasons(deployment(), [], [told]) == ["FailedCreate: no such account"]


def test_pods_of_others_and_ready_ones_are_not_blamed() -> None:
    ready = pod(conditions=[{"type": "Ready", "status": "True"}])
    foreign = {**pod(phase="Pending"), "metadata": {"name": "x", "namespace": "other", "labels": {"app": "reviews"}}}
    assert reasons(deployment(), [ready, foreign], []) == ["not rolled out yet"]
