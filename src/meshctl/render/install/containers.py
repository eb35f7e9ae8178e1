"""What Istio's own pods have in common: variables, volumes, probes, security."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Item = dict[str, Any]
USER = 1337


def plain(name: str, value: object) -> Item:
    """A variable; booleans as Go's templates print them. An empty value is left out, as an API server does."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return {"name": name, "value": text} if text else {"name": name}


def field(name: str, path: str) -> Item:
    """A variable that takes a field of its pod."""
    return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}


def limit(name: str) -> Item:
    """A variable with the container's CPU limit in whole cores."""
    return {"name": name, "valueFrom": {"resourceFieldRef": {"divisor": "1", "resource": "limits.cpu"}}}


def token(path: str) -> Item:
    """A volume with a token for istiod."""
    source = {"serviceAccountToken": {"audience": "istio-ca", "expirationSeconds": 43200, "path": path}}
    return {"name": path, "projected": {"sources": [source]}}


def empty(name: str, **body: str) -> Item:
    """A folder of the pod's own."""
    return {"name": name, "emptyDir": body}


def secret(name: str, of: str) -> Item:
    """The files of a Secret, if there is one."""
    return {"name": name, "secret": {"secretName": of, "optional": True}}


def config(name: str, of: str, optional: bool = False) -> Item:
    """The files of a ConfigMap."""
    return {"name": name, "configMap": {"name": of, **({"optional": True} if optional else {})}}


def mount(name: str, path: str, read_only: bool = False) -> Item:
    """Where a volume is found."""
    return {"name": name, "mountPath": path, **({"readOnly": True} if read_only else {})}


def unprivileged() -> Item:
    """A container that may nothing."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
    }


def merged(variables: Iterable[Item], own: Iterable[Mapping[str, Any]]) -> list[Item]:
    """Variables, those of the file over ours of the same name."""
    named = {one["name"]: one for one in variables}
    return list((named | {one["name"]: dict(one) for one in own}).values())


def stated(k8s: Mapping[str, Any], *names: str) -> Item:
    """Those of the file's pod settings that are given."""
    return {name: k8s[name] for name in names if k8s.get(name)}
