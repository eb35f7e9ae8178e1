"""Nodes: a new one is tainted until its agent says that it is ready."""

from __future__ import annotations

from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.strategy.pods import NOT_READY
from meshctl.sandbox.apiserver.strategy.strategy import Object, Strategy


def _created(_: Api, obj: Object) -> None:
    spec = obj["spec"] = obj.get("spec") or {}
    taints = spec.get("taints") or []
    if not any(taint.get("key") == NOT_READY for taint in taints):
        spec["taints"] = [*taints, {"key": NOT_READY, "effect": "NoSchedule"}]


NODES = Strategy(prepare_create=_created)
