"""Rows of nodes, namespaces, events, storage and classes."""

from __future__ import annotations

from typing import Any

from meshctl.sandbox.apiserver import clock
from meshctl.sandbox.apiserver.table.values import (
    NONE,
    UNKNOWN,
    UNSET,
    Object,
    age,
    joined,
    name,
    spec,
    status,
)

ROLE_PREFIX, OLD_ROLE = "node-role.kubernetes.io/", "kubernetes.io/role"
ACCESS = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
OLD_CLASS = "volume.beta.kubernetes.io/storage-class"
DEFAULT_CLASS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)


def node(obj: Object) -> list[Any]:
    """Name, status, roles, age, version, internal and external IP, OS image, kernel, container runtime."""
    info = status(obj).get("nodeInfo") or {}
    texts = [info.get(key) or UNKNOWN for key in ("osImage", "kernelVersion", "containerRuntimeVersion")]
    if info.get("architecture") and texts[1] != UNKNOWN:
        texts[1] += f" ({info['architecture']})"
    row = [name(obj), _node_status(obj), _roles(obj), age(obj), info.get("kubeletVersion", "")]
    return [*row, _address(obj, "InternalIP"), _address(obj, "ExternalIP"), *texts]


def _node_status(obj: Object) -> str:
    ready = next((one for one in status(obj).get("conditions") or () if one["type"] == "Ready"), None)
    text = "Unknown" if ready is None else "Ready" if ready["status"] == "True" else "NotReady"
    return f"{text},SchedulingDisabled" if spec(obj).get("unschedulable") else text


def _roles(obj: Object) -> str:
    labels = obj["metadata"].get("labels") or {}
    roles = {key.removeprefix(ROLE_PREFIX) for key in labels if key.startswith(ROLE_PREFIX)}
    return joined(sorted(filter(None, roles | {labels.get(OLD_ROLE, "")}))) or NONE


def _address(obj: Object, kind: str) -> str:
    return next((one["address"] for one in status(obj).get("addresses") or () if one["type"] == kind), NONE)


def namespace(obj: Object) -> list[Any]:
    """Name, status, age."""
    return [name(obj), status(obj).get("phase", ""), age(obj)]


def event(obj: Object) -> list[Any]:
    """Last seen, type, reason, object, subobject, source, message, first seen, count, name."""
    target = obj.get("involvedObject") or obj.get("regarding") or {}
    series = obj.get("series") or {}
    first = obj.get("firstTimestamp") or obj.get("deprecatedFirstTimestamp") or obj.get("eventTime")
    last = series.get("lastObservedTime") or obj.get("lastTimestamp") or obj.get("deprecatedLastTimestamp") or first
    count = series.get("count") or obj.get("count") or obj.get("deprecatedCount") or 0
    row = [
        clock.age(last),
        obj.get("type", ""),
        obj.get("reason", ""),
        _target(target),
        target.get("fieldPath", ""),
    ]
    message = (obj.get("message") or obj.get("note") or "").strip()
    return [*row, _source(obj), message, clock.age(first), count or 1, name(obj)]


def _target(target: Object) -> str:
    kind, named = target.get("kind", "").lower(), target.get("name", "")
    return f"{kind}/{named}" if named else kind


def _source(obj: Object) -> str:
    source = obj.get("source") or obj.get("deprecatedSource") or {}
    component = source.get("component") or obj.get("reportingComponent") or obj.get("reportingController") or ""
    host = source.get("host") or obj.get("reportingInstance") or ""
    return f"{component}, {host}" if host else component


def component(obj: Object) -> list[Any]:
    """Name, status, message, error."""
    health: Object = next((one for one in obj.get("conditions") or () if one["type"] == "Healthy"), {})
    text = {"True": "Healthy", "False": "Unhealthy"}.get(health.get("status", ""), "Unknown")
    return [name(obj), text, health.get("message", ""), health.get("error", "")]


def lease(obj: Object) -> list[Any]:
    """Name, holder, age."""
    return [name(obj), spec(obj).get("holderIdentity") or "", age(obj)]


def volume(obj: Object) -> list[Any]:
    """Name, capacity, access modes, reclaim policy, status, claim, class, attributes class, reason, age, mode."""
    given, claim = spec(obj), spec(obj).get("claimRef") or {}
    phase = "Terminating" if obj["metadata"].get("deletionTimestamp") else status(obj).get("phase", "")
    claimed = f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else ""
    row = [name(obj), (given.get("capacity") or {}).get("storage", ""), _modes(given.get("accessModes"))]
    row += [given.get("persistentVolumeReclaimPolicy", ""), phase, claimed, _class(obj)]
    attributes = given.get("volumeAttributesClassName") or UNSET
    return [*row, attributes, status(obj).get("reason", ""), age(obj), given.get("volumeMode") or UNSET]


def claim(obj: Object) -> list[Any]:
    """Name, status, volume, capacity, access modes, class, attributes class, age, mode."""
    given, bound = spec(obj), spec(obj).get("volumeName", "")
    phase = "Terminating" if obj["metadata"].get("deletionTimestamp") else status(obj).get("phase", "")
    capacity = (status(obj).get("capacity") or {}).get("storage", "") if bound else ""
    modes = _modes(status(obj).get("accessModes")) if bound else ""
    attributes = given.get("volumeAttributesClassName") or UNSET
    row = [name(obj), phase, bound, capacity, modes, _class(obj), attributes]
    return [*row, age(obj), given.get("volumeMode") or UNSET]


def _modes(modes: Any) -> str:
    return joined(ACCESS.get(mode, mode) for mode in ACCESS if mode in (modes or ()))


def _class(obj: Object) -> str:
    old = (obj["metadata"].get("annotations") or {}).get(OLD_CLASS)
    return str(old or spec(obj).get("storageClassName") or "")


def storage_class(obj: Object) -> list[Any]:
    """Name, provisioner, reclaim policy, binding mode, expansion, age."""
    annotations = obj["metadata"].get("annotations") or {}
    default = any(annotations.get(key) == "true" for key in DEFAULT_CLASS)
    shown = f"{name(obj)} (default)" if default else name(obj)
    expansion = "true" if obj.get("allowVolumeExpansion") else "false"
    policy, mode = obj.get("reclaimPolicy", "Delete"), obj.get("volumeBindingMode", "Immediate")
    return [shown, obj.get("provisioner", ""), policy, mode, expansion, age(obj)]


def attachment(obj: Object) -> list[Any]:
    """Name, attacher, volume, node, attached, age."""
    given = spec(obj)
    volume = (given.get("source") or {}).get("persistentVolumeName", "")
    attached = bool(status(obj).get("attached"))
    return [name(obj), given.get("attacher", ""), volume, given.get("nodeName", ""), attached, age(obj)]


def csi_node(obj: Object) -> list[Any]:
    """Name, number of drivers, age."""
    return [name(obj), len(spec(obj).get("drivers") or ()), age(obj)]


def priority_class(obj: Object) -> list[Any]:
    """Name, value, whether it is the default, preemption, age."""
    preemption = obj.get("preemptionPolicy", "PreemptLowerPriority")
    return [name(obj), obj.get("value", 0), bool(obj.get("globalDefault")), preemption, age(obj)]


def runtime_class(obj: Object) -> list[Any]:
    """Name, handler, age."""
    return [name(obj), obj.get("handler", ""), age(obj)]


def signing_request(obj: Object) -> list[Any]:
    """Name, age, signer, requestor, duration, condition."""
    given = spec(obj)
    seconds = given.get("expirationSeconds")
    from datetime import timedelta

    duration = clock.human(timedelta(seconds=seconds)) if seconds else NONE
    row = [name(obj), age(obj), given.get("signerName", NONE), given.get("username", ""), duration]
    return [*row, _condition(obj)]


def _condition(obj: Object) -> str:
    held = {one["type"] for one in status(obj).get("conditions") or ()}
    text = "Denied" if "Denied" in held else "Approved" if "Approved" in held else "Pending"
    if "Failed" in held:
        text += ",Failed"
    return f"{text},Issued" if status(obj).get("certificate") else text


def flow_schema(obj: Object) -> list[Any]:
    """Name, priority level, precedence, distinguisher, age, whether the level is missing."""
    given = spec(obj)
    level = (given.get("priorityLevelConfiguration") or {}).get("name", "")
    method = (given.get("distinguisherMethod") or {}).get("type") or NONE
    dangling = next((one["status"] for one in status(obj).get("conditions") or () if one["type"] == "Dangling"), "?")
    return [name(obj), level, given.get("matchingPrecedence", 0), method, age(obj), dangling]


def priority_level(obj: Object) -> list[Any]:
    """Name, type, shares, queues, hand size, queue length, age."""
    given = spec(obj)
    limited = given.get("limited") or {}
    queuing = (limited.get("limitResponse") or {}).get("queuing") or {}
    shares = limited.get("nominalConcurrencyShares", NONE)
    queued = [queuing.get(key, NONE) for key in ("queues", "handSize", "queueLengthLimit")]
    return [name(obj), given.get("type", ""), shares, *queued, age(obj)]
