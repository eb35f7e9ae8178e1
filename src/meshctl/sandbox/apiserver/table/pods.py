"""The row of a pod: kubernetes/pkg/printers/internalversion, printPod."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meshctl.sandbox.apiserver import clock
from meshctl.sandbox.apiserver.table.values import NONE, Object, age, name, spec, status


def pod(obj: Object) -> list[Any]:
    """Name, ready, status, restarts, age, IP, node, nominated node, readiness gates."""
    ready, total = _readiness(obj)
    address = status(obj).get("podIP") or NONE
    nominated = status(obj).get("nominatedNodeName") or NONE
    row = [name(obj), f"{ready}/{total}", reason(obj), _restarts(obj), age(obj), address]
    return [*row, spec(obj).get("nodeName") or NONE, nominated, _gates(obj)]


def _statuses(obj: Object, kind: str = "containerStatuses") -> Sequence[Object]:
    return status(obj).get(kind) or ()


def _sidecars(obj: Object) -> set[str]:
    """Init containers that keep running."""
    return {one["name"] for one in spec(obj).get("initContainers") or () if one.get("restartPolicy") == "Always"}


def _readiness(obj: Object) -> tuple[int, int]:
    sidecars = _sidecars(obj)
    beside = [one for one in _statuses(obj, "initContainerStatuses") if one["name"] in sidecars]
    ready = sum(1 for one in _statuses(obj) if one.get("ready") and (one.get("state") or {}).get("running"))
    ready += sum(1 for one in beside if one.get("ready"))
    return ready, len(spec(obj).get("containers") or ()) + len(sidecars)


def reason(obj: Object) -> str:
    """The STATUS column: the phase, or what stands in the way."""
    found = _initializing(obj)
    if found is None:
        found = _running(obj, status(obj).get("reason") or status(obj).get("phase") or "")
    if obj["metadata"].get("deletionTimestamp"):
        if status(obj).get("reason") == "NodeLost":
            return "Unknown"
        return found if status(obj).get("phase") in ("Succeeded", "Failed") else "Terminating"
    return found


def _initializing(obj: Object) -> str | None:
    sidecars, total = _sidecars(obj), len(spec(obj).get("initContainers") or ())
    for index, one in enumerate(_statuses(obj, "initContainerStatuses")):
        state = one.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting") or {}
        if ended and ended.get("exitCode", 0) == 0:
            continue
        if one["name"] in sidecars and one.get("started"):
            continue
        if ended:
            return f"Init:{ended.get('reason') or _ending(ended)}"
        if waiting.get("reason") and waiting["reason"] != "PodInitializing":
            return f"Init:{waiting['reason']}"
        return f"Init:{index}/{total}"
    return None


def _ending(ended: Object) -> str:
    return f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"


def _running(obj: Object, found: str) -> str:
    for condition in status(obj).get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "SchedulingGated":
            found = "SchedulingGated"
    alive = False
    for one in reversed(_statuses(obj)):
        state = one.get("state") or {}
        waiting, ended = state.get("waiting") or {}, state.get("terminated")
        if waiting.get("reason"):
            found = waiting["reason"]
        elif ended:
            found = ended.get("reason") or _ending(ended)
        elif one.get("ready") and state.get("running"):
            alive = True
    if found == "Completed" and alive:
        ready = any(
            one.get("type") == "Ready" and one.get("status") == "True" for one in status(obj).get("conditions") or ()
        )
        return "Running" if ready else "NotReady"
    return found


def _restarts(obj: Object) -> str:
    counted = list(_statuses(obj))
    if _initializing(obj) is not None:
        counted = list(_statuses(obj, "initContainerStatuses"))
    else:
        sidecars = _sidecars(obj)
        counted += [one for one in _statuses(obj, "initContainerStatuses") if one["name"] in sidecars]
    count = sum(one.get("restartCount", 0) for one in counted)
    times = [((one.get("lastState") or {}).get("terminated") or {}).get("finishedAt") for one in counted]
    last = max(filter(None, times), default=None)
    return f"{count} ({clock.age(last)} ago)" if count and last else str(count)


def _gates(obj: Object) -> str:
    gates = spec(obj).get("readinessGates") or ()
    if not gates:
        return NONE
    met = {one["type"] for one in status(obj).get("conditions") or () if one.get("status") == "True"}
    return f"{sum(1 for gate in gates if gate['conditionType'] in met)}/{len(gates)}"
