"""Kinds that are served in two shapes but stored in one: events, and autoscalers."""

from __future__ import annotations

from typing import Any

from meshctl.sandbox.apiserver.resources.resource import Resource

Object = dict[str, Any]

EVENT_NAMES = {
    "involvedObject": "regarding",
    "message": "note",
    "reportingComponent": "reportingController",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
}


def needed(resource: Resource) -> bool:
    """Whether stored objects look different from what this version shows."""
    return resource.group == "events.k8s.io" or (resource.group, resource.version) == ("autoscaling", "v1")


def from_storage(resource: Resource, obj: Object) -> Object:
    """A stored object in the shape of this version."""
    if resource.group == "events.k8s.io":
        return _renamed(obj, EVENT_NAMES)
    return _to_v1(obj) if needed(resource) else obj


def to_storage(resource: Resource, obj: Object) -> Object:
    """This version's object in the shape that is stored."""
    if resource.group == "events.k8s.io":
        return _renamed(obj, {new: old for old, new in EVENT_NAMES.items()})
    return _to_v2(obj) if needed(resource) else obj


def _renamed(obj: Object, names: dict[str, str]) -> Object:
    return {names.get(key, key): value for key, value in obj.items()}


def _to_v1(obj: Object) -> Object:
    spec, status = dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    for metric in spec.pop("metrics", None) or ():
        if (metric.get("resource") or {}).get("name") == "cpu":
            target = metric["resource"].get("target") or {}
            spec["targetCPUUtilizationPercentage"] = target.get("averageUtilization")
    spec.pop("behavior", None)
    for metric in status.pop("currentMetrics", None) or ():
        if (metric.get("resource") or {}).get("name") == "cpu":
            status["currentCPUUtilizationPercentage"] = metric["resource"]["current"].get("averageUtilization")
    status.pop("conditions", None)
    return obj | {"spec": spec, "status": status}


def _to_v2(obj: Object) -> Object:
    spec = dict(obj.get("spec") or {})
    percentage = spec.pop("targetCPUUtilizationPercentage", None)
    if percentage is not None:
        target = {"type": "Utilization", "averageUtilization": percentage}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    return obj | {"spec": spec}
