"""A Deployment's status (Kubernetes 1.31 pkg/controller/deployment: sync.go, progress.go)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from meshctl.sandbox.controllers.clock import now, seconds
from meshctl.sandbox.controllers.workloads import rollout, victims

Object = dict[str, Any]
AVAILABLE, PROGRESSING, FAILURE = "Available", "Progressing", "ReplicaFailure"
COMPLETE, PAUSED, RESUMED = "NewReplicaSetAvailable", "DeploymentPaused", "DeploymentResumed"
TIMED_OUT = "ProgressDeadlineExceeded"
DEADLINE_SECONDS, NO_DEADLINE = 600, 2**31 - 1


def status(deployment: Object, sets: Sequence[Object], new: Object | None, news: str = "") -> Object:
    """The whole status; `news` is the reason of a change of the current ReplicaSet, if there was one."""
    counted = _counts(sets, new)
    done: Object = {"observedGeneration": deployment["metadata"].get("generation", 0)}
    done |= {key: count for key, count in counted.items() if count}
    if collisions := (deployment.get("status") or {}).get("collisionCount"):
        done["collisionCount"] = collisions
    conditions = [_available(deployment, counted), _progressing(deployment, counted, new, news), _failing(sets)]
    before = (deployment.get("status") or {}).get("conditions") or ()
    # What was there first stays first.
    order = {one["type"]: index for index, one in enumerate(before)}
    kept = [_dated(one, victims.condition(deployment, one["type"])) for one in conditions if one]
    done["conditions"] = sorted(kept, key=lambda one: order.get(one["type"], len(order)))
    return done


def complete(deployment: Mapping[str, Any], counted: Mapping[str, int]) -> bool:
    """Whether every replica is a new one and available."""
    desired = int(deployment["spec"].get("replicas", 1))
    return counted["updatedReplicas"] == counted["replicas"] == counted["availableReplicas"] == desired


def patience(deployment: Mapping[str, Any]) -> float | None:
    """Seconds until the rollout has timed out; None if it does not wait."""
    condition = victims.condition(deployment, PROGRESSING)
    if _deadline(deployment) == NO_DEADLINE or condition.get("reason") in (None, COMPLETE, TIMED_OUT, PAUSED):
        return None
    return max(seconds(condition["lastUpdateTime"]) + _deadline(deployment) - time.time(), 0) + 1


def _counts(sets: Sequence[Object], new: Object | None) -> dict[str, int]:
    def total(field: str, among: Sequence[Object]) -> int:
        return sum(int((one.get("status") or {}).get(field) or 0) for one in among)

    able = total("availableReplicas", sets)
    return {
        "replicas": total("replicas", sets),
        "updatedReplicas": total("replicas", [new] if new else []),
        "readyReplicas": total("readyReplicas", sets),
        "availableReplicas": able,
        "unavailableReplicas": max(sum(map(rollout.replicas, sets)) - able, 0),
    }


def _available(deployment: Mapping[str, Any], counted: Mapping[str, int]) -> Object:
    enough = counted["availableReplicas"] >= rollout.limits(deployment).least
    words = "has minimum availability." if enough else "does not have minimum availability."
    reason = "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable"
    return {"type": AVAILABLE, "status": str(enough), "reason": reason, "message": f"Deployment {words}"}


def _progressing(
    deployment: Mapping[str, Any], counted: Mapping[str, int], new: Object | None, news: str
) -> Object | None:
    before = victims.condition(deployment, PROGRESSING)
    if _deadline(deployment) == NO_DEADLINE:
        return None
    name = f'ReplicaSet "{new["metadata"]["name"]}"' if new else "Deployment"
    settled = before.get("reason") == COMPLETE and counted["replicas"] == counted["updatedReplicas"]
    if settled and not news:
        return _untimed(before)
    if new and complete(deployment, counted) and not news:
        return _progress("True", COMPLETE, f"{name} has successfully progressed.")
    if news:
        return _progress("True", news, _told(news, new))
    if before.get("reason") == PAUSED:
        return _untimed(before)
    if _moved(deployment.get("status") or {}, counted):
        return {**_progress("True", "ReplicaSetUpdated", f"{name} is progressing."), "lastUpdateTime": now()}
    if before.get("reason") not in (None, COMPLETE, TIMED_OUT) and patience(deployment) == 1:
        return _progress("False", TIMED_OUT, f"{name} has timed out progressing.")
    return _untimed(before) or None


def _untimed(condition: Mapping[str, Any]) -> Object:
    return {key: value for key, value in condition.items() if not key.endswith("Time")}


def _told(news: str, new: Object | None) -> str:
    name = new["metadata"]["name"] if new else ""
    return {
        "NewReplicaSetCreated": f'Created new replica set "{name}"',
        "FoundNewReplicaSet": f'Found new replica set "{name}"',
        PAUSED: "Deployment is paused",
        RESUMED: "Deployment is resumed",
    }[news]


def _moved(before: Mapping[str, Any], counted: Mapping[str, int]) -> bool:
    """Whether more is new, less is old, or more is ready or available than before."""
    was = {field: int(before.get(field) or 0) for field in counted}
    older = was["replicas"] - was["updatedReplicas"]
    return (
        any(counted[field] > was[field] for field in ("updatedReplicas", "readyReplicas", "availableReplicas"))
        or counted["replicas"] - counted["updatedReplicas"] < older
    )


def _failing(sets: Sequence[Object]) -> Object | None:
    """What keeps a ReplicaSet from its pods."""
    found = next((one for one in (victims.condition(each, FAILURE) for each in sets) if one), None)
    return {key: found[key] for key in ("type", "status", "reason", "message")} if found else None


def _progress(value: str, reason: str, message: str) -> Object:
    return {"type": PROGRESSING, "status": value, "reason": reason, "message": message}


def _dated(condition: Object, before: Mapping[str, Any]) -> Object:
    same = before.get("status") == condition["status"]
    said = same and before.get("reason") == condition["reason"] and "lastUpdateTime" not in condition
    return {
        **condition,
        "lastUpdateTime": before["lastUpdateTime"] if said else now(),
        "lastTransitionTime": before["lastTransitionTime"] if same else now(),
    }


def _deadline(deployment: Mapping[str, Any]) -> int:
    return int(deployment["spec"].get("progressDeadlineSeconds") or DEADLINE_SECONDS)
