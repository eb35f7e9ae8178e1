"""Who controls what: controller references, and orphans that are adopted by their labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from meshctl.sandbox.controllers import selectors
from meshctl.sandbox.controllers.api import Api
from meshctl.sandbox.controllers.objects import Objects
from meshctl.sandbox.controllers.workloads.writes import path

Object = dict[str, Any]
STRATEGIC = "application/strategic-merge-patch+json"


def controller(found: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The reference to the object's controller."""
    return next((one for one in found["metadata"].get("ownerReferences") or () if one.get("controller")), None)


def reference(kind: str, owner: Mapping[str, Any]) -> Object:
    """The controller reference to a Deployment or ReplicaSet."""
    metadata = owner["metadata"]
    named = {"apiVersion": "apps/v1", "kind": kind, "name": metadata["name"], "uid": metadata["uid"]}
    return {**named, "controller": True, "blockOwnerDeletion": True}


class Claims:
    """What an owner of one kind claims of the objects of another: `owner` is a Kind, `kind` a plural."""

    def __init__(self, api: Api, objects: Objects, owner: str, kind: str) -> None:
        self._api = api
        self._objects = objects
        self._owner = owner
        self._kind = kind

    def of(self, owner: Mapping[str, Any]) -> list[Object]:
        """What the owner controls already."""
        uid = owner["metadata"]["uid"]
        return [one for one in self._near(owner) if (controller(one) or {}).get("uid") == uid]

    async def claim(self, owner: Mapping[str, Any]) -> list[Object]:
        """What the owner controls, after adopting orphans that it selects and releasing what it selects no more."""
        kept = []
        leaving = bool(owner["metadata"].get("deletionTimestamp"))
        for one in self._near(owner):
            selected = selectors.matches(owner["spec"]["selector"], one["metadata"].get("labels") or {})
            holder = controller(one)
            if holder and holder["uid"] == owner["metadata"]["uid"]:
                if selected or leaving:
                    kept.append(one)
                else:
                    await self._refer(one, {"$patch": "delete", "uid": holder["uid"]})
            elif not holder and selected and not leaving and not one["metadata"].get("deletionTimestamp"):
                kept.append(await self._refer(one, reference(self._owner, owner)))
        return kept

    def _near(self, owner: Mapping[str, Any]) -> Iterable[Object]:
        namespace = owner["metadata"]["namespace"]
        return [one for one in self._objects.all(self._kind) if one["metadata"]["namespace"] == namespace]

    async def _refer(self, one: Object, change: Object) -> Object:
        metadata = {"uid": one["metadata"]["uid"], "ownerReferences": [change]}
        changed = await self._api.ask("PATCH", path(self._kind, one), {"metadata": metadata}, STRATEGIC)
        self._objects.put(self._kind, changed)
        return changed
