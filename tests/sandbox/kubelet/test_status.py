from typing import Any

import pytest

from meshctl.sandbox.kubelet import status
from meshctl.sandbox.kubelet.status import ContainerState, Place

RUNNING = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
WELL, ILL = {"terminated": {"exitCode": 0}}, {"terminated": {"exitCode": 1}}
CRASHING = {"waiting": {"reason": "CrashLoopBackOff"}}
PLACE = Place("172.20.1.2", "10.0.0.1", "2026-01-01T00:00:00Z")


def one(state: dict[str, Any], ready: bool = False, last: dict[str, Any] | None = None) -> ContainerState:
    return ContainerState("c", "image", state, last or {}, ready)


@pytest.mark.parametrize(
    ("policy", "inits", "mains", "phase"),
    [
        ("Always", [], [one(RUNNING)], "Running"),
        ("Always", [one(RUNNING)], [one({"waiting": {}})], "Pending"),
        ("Always", [one(WELL)], [one({"waiting": {"reason": "ImagePullBackOff"}}), one(RUNNING)], "Pending"),
        ("Always", [], [one(CRASHING, last=ILL)], "Running"),
        ("Never", [], [one(WELL), one(WELL)], "Succeeded"),
        ("Never", [], [one(WELL), one(ILL)], "Failed"),
        ("Never", [one(ILL)], [one({"waiting": {}})], "Failed"),
        ("OnFailure", [], [one(ILL)], "Running"),
        ("OnFailure", [], [one(WELL)], "Succeeded"),
    ],
)
def test_the_phase_follows_from_the_containers(
    policy: str, inits: list[ContainerState], mains: list[ContainerState], phase: str
) -> None:
    assert status.phase(policy, inits, mains) == phase


def conditions(pod: dict[str, Any], mains: list[ContainerState], now: str) -> dict[str, dict[str, Any]]:
    found = status.status(pod, [], mains, PLACE, now)["conditions"]
    return {one["type"]: one for one in found}


def test_conditions_name_who_is_not_ready_and_keep_their_times() -> None:
    pod: dict[str, Any] = {"spec": {}, "status": {}}
    first = conditions(pod, [one(RUNNING)], "t1")
    assert first["Ready"]["message"] == "containers with unready status: [c]"
    assert (first["Ready"]["status"], first["Initialized"]["status"]) == ("False", "True")
    pod["status"]["conditions"] = list(first.values())
    second = conditions(pod, [one(RUNNING, ready=True)], "t2")
    assert (second["Ready"]["status"], second["Ready"]["lastTransitionTime"]) == ("True", "t2")
    assert second["Initialized"]["lastTransitionTime"] == "t1"


def test_a_readiness_gate_holds_back_the_pod_not_its_containers() -> None:
    pod: dict[str, Any] = {"spec": {"readinessGates": [{"conditionType": "x/y"}]}}
    found = conditions(pod, [one(RUNNING, ready=True)], "t")
    assert (found["Ready"]["status"], found["ContainersReady"]["status"]) == ("False", "True")
