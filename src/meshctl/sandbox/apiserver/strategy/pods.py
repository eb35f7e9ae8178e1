"""Pods: phase and class of service of a new one, and what admission gives to every pod."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.strategy import quality
from meshctl.sandbox.apiserver.strategy.strategy import Object, Strategy

TOLERATED_SECONDS = 300
NOT_READY, UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"
TOPOLOGY = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")


def _created(api: Api, obj: Object) -> None:
    spec = obj.get("spec") or {}
    obj["status"] = {"phase": "Pending", "qosClass": quality.of(spec)}
    if node := spec.get("nodeName"):
        add_topology(api, obj, node)


def _updated(_: Api, obj: Object, old: Mapping[str, Any]) -> None:
    if quality_class := (old.get("status") or {}).get("qosClass"):
        obj.setdefault("status", {})["qosClass"] = quality_class


def add_topology(api: Api, obj: Object, node: str) -> None:
    """Copy zone and region of the pod's node to its labels (admission plugin PodTopologyLabels)."""
    found = api.lookup("nodes", "", node) or {}
    known = (found.get("metadata") or {}).get("labels") or {}
    if topology := {key: known[key] for key in TOPOLOGY if key in known}:
        metadata = obj["metadata"]
        metadata["labels"] = (metadata.get("labels") or {}) | topology


def tolerate(spec: Object) -> None:
    """Let the pod stay five minutes on a node that fails (admission plugin DefaultTolerationSeconds)."""
    tolerations = spec.get("tolerations") or []
    for key in (NOT_READY, UNREACHABLE):
        if not any(_covers(toleration, key) for toleration in tolerations):
            added = {
                "key": key,
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": TOLERATED_SECONDS,
            }
            tolerations = [*tolerations, added]
    spec["tolerations"] = tolerations


def _covers(toleration: Mapping[str, Any], key: str) -> bool:
    return toleration.get("key", "") in (key, "") and toleration.get("effect", "") in ("NoExecute", "")


def _warnings(obj: Mapping[str, Any]) -> list[str]:
    spec = obj.get("spec") or {}
    return [text for kind in ("initContainers", "containers") for text in _hidden(spec, kind)]


def _hidden(spec: Mapping[str, Any], kind: str) -> list[str]:
    found = []
    for index, container in enumerate(spec.get(kind) or ()):
        seen: set[str] = set()
        for place, variable in enumerate(container.get("env") or ()):
            name = variable.get("name", "")
            if name in seen:
                field = f"spec.{kind}[{index}].env[{place}]"
                found.append(f'{field}: hides previous definition of "{name}", which may be dropped when using apply')
            seen.add(name)
    return found


def narrow(obj: Object, old: Mapping[str, Any], subresource: str) -> Object:
    """Leave of a change only what the subresource is for; the old pod with that change, which may thus be made."""
    spec, given = copy.deepcopy(old["spec"]), obj.get("spec") or {}
    if subresource == "ephemeralcontainers":
        spec["ephemeralContainers"] = given.get("ephemeralContainers") or []
    else:
        sizes = {one["name"]: one.get("resources") or {} for one in given.get("containers") or ()}
        for container in spec["containers"]:
            container["resources"] = sizes.get(container["name"], {})
    obj["spec"] = spec
    return {**old, "spec": spec}


PODS = Strategy(
    generation=True,
    status=lambda: {"phase": "Pending"},
    returns_object=True,
    prepare_create=_created,
    prepare_update=_updated,
    warnings=_warnings,
)
