"""Rows of what makes pods."""

from __future__ import annotations

from typing import Any

from meshctl.sandbox.apiserver import clock
from meshctl.sandbox.apiserver.table.values import (
    NONE,
    UNKNOWN,
    UNSET,
    Object,
    age,
    containers,
    name,
    pairs,
    selector,
    spec,
    status,
)


def _template(obj: Object) -> Object:
    return spec(obj).get("template") or {}


def pod_template(obj: Object) -> list[Any]:
    """Name, containers, images, labels."""
    template = obj.get("template") or {}
    return [name(obj), *containers(template), pairs((template.get("metadata") or {}).get("labels"))]


def replica_set(obj: Object) -> list[Any]:
    """Name, desired, current, ready, age, containers, images, selector; replication controllers, too."""
    counts = [status(obj).get(key, 0) for key in ("replicas", "readyReplicas")]
    chosen = spec(obj).get("selector") or {}
    text = pairs(chosen) if obj["kind"] == "ReplicationController" else selector(chosen)
    return [name(obj), spec(obj).get("replicas", 0), *counts, age(obj), *containers(_template(obj)), text]


def deployment(obj: Object) -> list[Any]:
    """Name, ready, up-to-date, available, age, containers, images, selector."""
    ready = f"{status(obj).get('readyReplicas', 0)}/{spec(obj).get('replicas', 0)}"
    counts = [status(obj).get(key, 0) for key in ("updatedReplicas", "availableReplicas")]
    return [
        name(obj),
        ready,
        *counts,
        age(obj),
        *containers(_template(obj)),
        selector(spec(obj).get("selector")),
    ]


def daemon_set(obj: Object) -> list[Any]:
    """Name, desired, current, ready, up-to-date, available, node selector, age, containers, images, selector."""
    keys = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    counts = [status(obj).get(key, 0) for key in keys]
    nodes = pairs(spec(_template(obj)).get("nodeSelector"))
    return [
        name(obj),
        *counts,
        nodes,
        age(obj),
        *containers(_template(obj)),
        selector(spec(obj).get("selector")),
    ]


def stateful_set(obj: Object) -> list[Any]:
    """Name, ready, age, containers, images."""
    ready = f"{status(obj).get('readyReplicas', 0)}/{spec(obj).get('replicas', 0)}"
    return [name(obj), ready, age(obj), *containers(_template(obj))]


def controller_revision(obj: Object) -> list[Any]:
    """Name, controller, revision, age."""
    owners = obj["metadata"].get("ownerReferences") or ()
    owner = next((one for one in owners if one.get("controller")), None)
    return [name(obj), _owner(owner), obj.get("revision", 0), age(obj)]


def _owner(owner: Object | None) -> str:
    if owner is None:
        return NONE
    group = owner["apiVersion"].rpartition("/")[0]
    return f"{owner['kind'].lower()}{'.' + group if group else ''}/{owner['name']}"


def job(obj: Object) -> list[Any]:
    """Name, status, completions, duration, age, containers, images, selector."""
    row = [name(obj), _job_status(obj), _completions(obj), _duration(obj), age(obj)]
    return [*row, *containers(_template(obj)), selector(spec(obj).get("selector"))]


def _completions(obj: Object) -> str:
    done, wanted = status(obj).get("succeeded", 0), spec(obj).get("completions")
    if wanted is not None:
        return f"{done}/{wanted}"
    parallelism = spec(obj).get("parallelism", 0)
    return f"{done}/1 of {parallelism}" if parallelism > 1 else f"{done}/1"


def _duration(obj: Object) -> str:
    start, end = (clock.parse(status(obj).get(key) or "") for key in ("startTime", "completionTime"))
    if start is None:
        return ""
    return clock.human((end or clock.now()) - start)


def _job_status(obj: Object) -> str:
    held = {one["type"] for one in status(obj).get("conditions") or () if one.get("status") == "True"}
    if "Complete" in held:
        return "Complete"
    for kind, text in (("Failed", "Failed"), ("Suspended", "Suspended"), ("FailureTarget", "FailureTarget")):
        if kind in held:
            return text
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return "SuccessCriteriaMet" if "SuccessCriteriaMet" in held else "Running"


def cron_job(obj: Object) -> list[Any]:
    """Name, schedule, timezone, suspend, active, last schedule, age, containers, images, selector."""
    given, last = spec(obj), status(obj).get("lastScheduleTime")
    zone, active = given.get("timeZone") or NONE, len(status(obj).get("active") or ())
    made = spec(given.get("jobTemplate") or {})
    suspended = str(bool(given.get("suspend"))).capitalize()
    row = [
        name(obj),
        given.get("schedule", ""),
        zone,
        suspended,
        active,
        clock.age(last) if last else NONE,
        age(obj),
    ]
    return [*row, *containers(made.get("template")), selector(made.get("selector"))]


def autoscaler(obj: Object) -> list[Any]:
    """Name, reference, targets, least, most and present replicas, age."""
    given, target = spec(obj), spec(obj).get("scaleTargetRef") or {}
    least = UNSET if given.get("minReplicas") is None else str(given["minReplicas"])
    row = [name(obj), f"{target.get('kind', '')}/{target.get('name', '')}", _targets(obj), least]
    return [*row, str(given.get("maxReplicas", 0)), str(status(obj).get("currentReplicas", 0)), age(obj)]


def _targets(obj: Object) -> str:
    metrics = spec(obj).get("metrics") or ()
    if not metrics and (percentage := spec(obj).get("targetCPUUtilizationPercentage")) is not None:
        return f"cpu: {UNKNOWN}/{percentage}%"
    if not metrics:
        return NONE
    current = status(obj).get("currentMetrics") or ()
    texts = [_target(one, current[index] if index < len(current) else {}) for index, one in enumerate(metrics)]
    more = f" + {len(texts) - 2} more..." if len(texts) > 2 else ""
    return ", ".join(texts[:2]) + more


def _target(metric: Object, current: Object) -> str:
    kind = metric.get("type", "Resource")
    key = kind[:1].lower() + kind[1:]
    given, present = metric.get(key) or {}, (current.get(key) or {}).get("current") or {}
    wanted = given.get("target") or {}
    if wanted.get("averageUtilization") is not None:
        now = present.get("averageUtilization")
        return f"{given.get('name', '')}: {UNKNOWN if now is None else f'{now}%'}/{wanted['averageUtilization']}%"
    value = wanted.get("averageValue") or wanted.get("value") or "<auto>"
    label = given.get("name") or (given.get("metric") or {}).get("name", "")
    text = f"{present.get('averageValue') or present.get('value') or UNKNOWN}/{value}"
    return f"{label}: {text}" if kind == "Resource" else text


def disruption_budget(obj: Object) -> list[Any]:
    """Name, least available, most unavailable, allowed disruptions, age."""
    limits = [str(spec(obj)[key]) if key in spec(obj) else "N/A" for key in ("minAvailable", "maxUnavailable")]
    return [name(obj), *limits, status(obj).get("disruptionsAllowed", 0), age(obj)]
