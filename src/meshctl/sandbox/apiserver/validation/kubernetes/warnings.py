"""What the API server warns of in built-in kinds (k8s.io/kubernetes, pkg/api/pod/warnings.go, 1.36)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meshctl.sandbox.apiserver.validation import names, quantity

Object = dict[str, Any]
_OLD_LABELS = {
    "beta.kubernetes.io/arch": ("v1.14", "kubernetes.io/arch"),
    "beta.kubernetes.io/os": ("v1.14", "kubernetes.io/os"),
    "failure-domain.beta.kubernetes.io/region": ("v1.17", "topology.kubernetes.io/region"),
    "failure-domain.beta.kubernetes.io/zone": ("v1.17", "topology.kubernetes.io/zone"),
    "beta.kubernetes.io/instance-type": ("v1.17", "node.kubernetes.io/instance-type"),
}
_TEMPLATES = {
    **dict.fromkeys(("DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet"), "spec."),
    "CronJob": "spec.jobTemplate.spec.",
    "PodTemplate": "",
}
_CONTAINERS = ("initContainers", "containers")


def warnings(obj: Object) -> list[str]:
    """Texts of Warning headers, for an object that is accepted."""
    kind = str(obj.get("kind", ""))
    if kind == "Pod":
        return [*_hostname(obj, "the Pod's hostname"), *_pod_spec(obj.get("spec") or {}, "spec")]
    if kind not in _TEMPLATES:
        return []
    path = f"{_TEMPLATES[kind]}template.spec"
    named = _hostname(obj, "Pod names and hostnames") if kind != "PodTemplate" else ()
    return [*named, *_pod_spec(_at(obj, path), path)]


def _at(obj: Object, path: str) -> Object:
    for name in path.split("."):
        obj = obj.get(name) or {}
    return obj


def _hostname(obj: Object, use: str) -> Iterator[str]:
    faults = names.label((obj.get("metadata") or {}).get("name") or "a")
    if faults:
        effect = "which can result in surprising behavior; a DNS label is recommended"
        yield f"metadata.name: this is used in {use}, {effect}: [{' '.join(faults)}]"


def _pod_spec(spec: Object, path: str) -> Iterator[str]:
    for key in spec.get("nodeSelector") or {}:
        if key in _OLD_LABELS:
            since, instead = _OLD_LABELS[key]
            yield f'{path}.nodeSelector[{key}]: deprecated since {since}; use "{instead}" instead'
    for at, secret in enumerate(spec.get("imagePullSecrets") or ()):
        if not secret.get("name"):
            yield f'{path}.imagePullSecrets[{at}].name: invalid empty name ""'
    if (spec.get("terminationGracePeriodSeconds") or 0) < 0:
        effect = "negative values are invalid and will be treated as 1"
        yield f"{path}.terminationGracePeriodSeconds: must be >= 0; {effect}"
    for field in _CONTAINERS:
        for at, container in enumerate(spec.get(field) or ()):
            yield from _container(container, f"{path}.{field}[{at}]")


def _container(container: Object, path: str) -> Iterator[str]:
    for part in ("limits", "requests"):
        for name, amount in ((container.get("resources") or {}).get(part) or {}).items():
            if name in ("memory", "ephemeral-storage") and quantity.value(amount).denominator != 1:
                field = f"{path}.resources.{part}[{name}]"
                yield f'{field}: fractional byte value "{amount}" is invalid, must be an integer'
    seen: set[str] = set()
    for at, variable in enumerate(container.get("env") or ()):
        name = variable.get("name") or ""
        if name in seen:
            yield f'{path}.env[{at}]: hides previous definition of "{name}", which may be dropped when using apply'
        seen.add(name)
    yield from _ports(container.get("ports") or [], f"{path}.ports")


def _ports(ports: list[Object], path: str) -> Iterator[str]:
    seen: dict[tuple[Any, Any], int] = {}
    for at, port in enumerate(ports):
        key = (port.get("containerPort"), port.get("protocol"))
        if key in seen:
            yield f"{path}[{at}]: duplicate port definition with {path}[{seen[key]}]"
        seen.setdefault(key, at)
