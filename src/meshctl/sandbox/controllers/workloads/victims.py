"""Which pods go first when there are too many (Kubernetes 1.31 pkg/controller, ActivePodsWithRanks)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

Object = dict[str, Any]
COST = "controller.kubernetes.io/pod-deletion-cost"
PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def active(pod: Mapping[str, Any]) -> bool:
    """Whether a pod counts as a replica."""
    return phase(pod) not in ("Succeeded", "Failed") and not pod["metadata"].get("deletionTimestamp")


def phase(pod: Mapping[str, Any]) -> str:
    """The pod's phase."""
    return str((pod.get("status") or {}).get("phase") or "Pending")


def condition(found: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """One condition of a status; empty if there is none."""
    conditions = (found.get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one["type"] == kind), {})


def ready(pod: Mapping[str, Any]) -> bool:
    """Whether the pod is ready."""
    return condition(pod, "Ready").get("status") == "True"


def choose(pods: list[Object], related: Iterable[Object], count: int) -> list[Object]:
    """The `count` pods to delete; `related` are all pods of the same Deployment, which spread over nodes."""
    crowd = Counter(pod["spec"].get("nodeName") for pod in related if active(pod))
    return sorted(pods, key=lambda pod: _rank(pod, crowd))[:count]


def _rank(pod: Mapping[str, Any], crowd: Counter[str | None]) -> tuple[object, ...]:
    node = pod["spec"].get("nodeName")
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    since = condition(pod, "Ready").get("lastTransitionTime") or ""
    return (
        bool(node),
        PHASES.get(phase(pod), 1),
        ready(pod),
        _cost(pod),
        -crowd[node],
        Newest(since),
        -max((one.get("restartCount", 0) for one in statuses), default=0),
        Newest(pod["metadata"].get("creationTimestamp") or ""),
    )


def _cost(pod: Mapping[str, Any]) -> int:
    try:
        return int((pod["metadata"].get("annotations") or {}).get(COST, "0"))
    except ValueError:
        return 0


class Newest(str):
    """A time in RFC 3339 that sorts backwards."""

    __slots__ = ()

    def __lt__(self, other: str) -> bool:
        return str.__gt__(self, other)

    def __gt__(self, other: str) -> bool:
        return str.__lt__(self, other)
