"""Whether Deployments are what they should be, and if not, which container of which pod is to blame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Object = Mapping[str, Any]


def complete(deployment: Object) -> bool:
    """As `kubectl rollout status` sees it: every pod is of the last template, available, and no other is left."""
    spec, status = deployment.get("spec") or {}, deployment.get("status") or {}
    wanted = spec.get("replicas", 1)
    seen = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    counts = (status.get(key, 0) for key in ("updatedReplicas", "availableReplicas", "replicas"))
    return seen and all(count == wanted for count in counts)


def reasons(deployment: Object, pods: Iterable[Object], events: Iterable[Object]) -> list[str]:
    """Why a Deployment is not complete, one line for each of its pods that isn't ready."""
    told = {event["involvedObject"].get("name"): event for event in events if event.get("type") == "Warning"}
    found = [
        f"pod {pod['metadata']['name']}{_blame(pod, told.get(pod['metadata']['name']))}"
        for pod in pods
        if _selects(deployment, pod) and not ready(pod)
    ]
    return found or list(_troubles(deployment, told)) or ["not rolled out yet"]


def ready(pod: Object) -> bool:
    """Whether a pod has the condition Ready."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _selects(deployment: Object, pod: Object) -> bool:
    wanted = deployment["spec"]["selector"].get("matchLabels") or {}
    labels = pod["metadata"].get("labels") or {}
    same = pod["metadata"].get("namespace") == deployment["metadata"].get("namespace")
    return same and all(labels.get(key) == value for key, value in wanted.items())


def _blame(pod: Object, event: Object | None) -> str:
    status = pod.get("status") or {}
    for kind in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(kind) or ():
            if complaint := _complaint(container, kind):
                last = f" ({event['message']})" if event and "unready" in complaint else ""
                return f", container {container['name']}: {complaint}{last}"
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] != "True":
            return f": {condition.get('reason', 'Unscheduled')}: {condition.get('message', '')}"
    return f": {event['reason']}: {event['message']}" if event else f": {status.get('phase', 'Pending')}"


def _complaint(container: Object, kind: str) -> str:
    state = container.get("state") or {}
    init = kind.startswith("init")
    if waiting := state.get("waiting"):
        # Others wait for the one that fails.
        return "" if waiting.get("reason") == "PodInitializing" else _named(waiting, "Waiting")
    if terminated := state.get("terminated"):
        return "" if init and terminated.get("exitCode") == 0 else _named(terminated, "Terminated")
    return "" if init or container.get("ready") else "running, but unready"


def _named(state: Object, default: str) -> str:
    return ": ".join(filter(None, (state.get("reason") or default, state.get("message"))))


def _troubles(deployment: Object, told: Mapping[str | None, Object]) -> Iterator[str]:
    for condition in (deployment.get("status") or {}).get("conditions") or ():
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            yield f"{condition.get('reason')}: {condition.get('message')}"
            return
    name = deployment["metadata"]["name"]
    for other, event in told.items():
        if other and other.startswith(f"{name}-"):
            yield f"{event['reason']}: {event['message']}"
            return
