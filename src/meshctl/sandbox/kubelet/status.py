"""A pod's status as the kubelet computes it from what its containers do (Kubernetes pkg/kubelet, 1.31)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]
CONDITIONS = ("PodScheduled", "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")


@dataclass(slots=True)
class ContainerState:
    """One container: `state` and `last` are as the API has them, with one key each or none."""

    name: str
    image: str
    state: Object = field(default_factory=lambda: {"waiting": {"reason": "PodInitializing"}})
    last: Object = field(default_factory=dict)
    ready: bool = False
    started: bool = False
    restarts: int = 0
    image_id: str = ""
    container_id: str = ""
    sidecar: bool = False

    @property
    def running(self) -> bool:
        return "running" in self.state

    @property
    def succeeded(self) -> bool:
        """Whether it has ended well."""
        return (self.state.get("terminated") or {}).get("exitCode") == 0

    def describe(self) -> Object:
        """The ContainerStatus."""
        return {
            "name": self.name,
            "image": self.image,
            "imageID": self.image_id,
            "state": self.state,
            "lastState": self.last,
            "ready": self.ready,
            "started": self.started,
            "restartCount": self.restarts,
            **({"containerID": self.container_id} if self.container_id else {}),
        }


@dataclass(frozen=True, slots=True)
class Place:
    """Where the pod is: `started` when the agent saw it first."""

    address: str
    host: str
    started: str


def status(
    pod: Mapping[str, Any], inits: Sequence[ContainerState], mains: Sequence[ContainerState], place: Place, now: str
) -> Object:
    """The whole status but what others write; conditions keep their transition times where nothing changed."""
    found = phase(pod["spec"].get("restartPolicy", "Always"), inits, mains)
    before = (pod.get("status") or {}).get("conditions") or ()
    done: Object = {
        "phase": found,
        "conditions": _conditions(pod, inits, mains, place, found, before, now),
        "hostIP": place.host,
        "hostIPs": [{"ip": place.host}],
        "startTime": place.started,
        "containerStatuses": [one.describe() for one in sorted(mains, key=lambda one: one.name)],
    }
    if inits:
        done["initContainerStatuses"] = [one.describe() for one in inits]
    if place.address:
        done |= {"podIP": place.address, "podIPs": [{"ip": place.address}]}
    return done


def phase(policy: str, inits: Sequence[ContainerState], mains: Sequence[ContainerState]) -> str:
    """Pending until every container has been started once; then Running until all have ended for good."""
    if policy == "Never" and any(_failed(one) for one in inits):
        return "Failed"
    if not initialized(inits) or any(_unborn(one) for one in mains):
        return "Pending"
    ended = all("terminated" in one.state for one in mains)
    if not ended or policy == "Always":
        return "Running"
    if all(one.succeeded for one in mains):
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


def initialized(inits: Iterable[ContainerState]) -> bool:
    """Whether the containers that come first have done their work; sidecars only have to be started."""
    return all(one.started if one.sidecar else one.succeeded for one in inits)


def _failed(one: ContainerState) -> bool:
    return not one.sidecar and "terminated" in one.state and not one.succeeded


def _unborn(one: ContainerState) -> bool:
    return "waiting" in one.state and not one.last


def _conditions(
    pod: Mapping[str, Any],
    inits: Sequence[ContainerState],
    mains: Sequence[ContainerState],
    place: Place,
    found: str,
    before: Sequence[Mapping[str, Any]],
    now: str,
) -> list[Object]:
    ended = found in ("Succeeded", "Failed")
    sidecars = [one for one in inits if one.sidecar]
    unready = [one.name for one in (*sidecars, *mains) if not one.ready]
    uninitialized = [one.name for one in inits if not (one.started if one.sidecar else one.succeeded)]
    problem: Object = {}
    if ended:
        problem = {"reason": "PodCompleted" if found == "Succeeded" else "PodFailed"}
    elif unready:
        problem = _problem("ContainersNotReady", "unready", unready)
    conditions: list[Object] = [
        {"type": "PodReadyToStartContainers", "status": _truth(bool(place.address) and not ended)},
        {"type": "Initialized", "status": "True", **({"reason": "PodCompleted"} if found == "Succeeded" else {})}
        if not uninitialized
        else {"type": "Initialized", "status": "False"}
        | _problem("ContainersNotInitialized", "incomplete", uninitialized),
    ]
    gates = _gates(pod, before)
    ready = problem or ({"reason": "ReadinessGatesNotReady", "message": gates} if gates else {})
    conditions.append({"type": "Ready", "status": _truth(not ready), **ready})
    conditions.append({"type": "ContainersReady", "status": _truth(not problem), **problem})
    own = {one["type"] for one in conditions}
    others = [dict(one) for one in before if one["type"] not in own]
    if not any(one["type"] == "PodScheduled" for one in others):
        conditions.append({"type": "PodScheduled", "status": "True"})
    return [_dated(one, before, now) for one in conditions] + others


def _gates(pod: Mapping[str, Any], conditions: Sequence[Mapping[str, Any]]) -> str:
    met = {one["type"] for one in conditions if one["status"] == "True"}
    missing = [
        one["conditionType"] for one in pod["spec"].get("readinessGates") or () if one["conditionType"] not in met
    ]
    return f'corresponding condition of pod readiness gate "{missing[0]}" does not exist.' if missing else ""


def _problem(reason: str, what: str, names: Sequence[str]) -> Object:
    called = "incomplete status" if what == "incomplete" else f"{what} status"
    return {"reason": reason, "message": f"containers with {called}: [{' '.join(names)}]"}


def _dated(condition: Object, before: Sequence[Mapping[str, Any]], now: str) -> Object:
    old = next((one for one in before if one["type"] == condition["type"]), None)
    same = old is not None and old["status"] == condition["status"]
    return {
        "lastProbeTime": None,
        "lastTransitionTime": old["lastTransitionTime"] if old and same else now,
        **condition,
    }


def _truth(value: bool) -> str:
    return "True" if value else "False"
