"""ReplicaSets: as many pods as they say, and a status that tells of them (Kubernetes 1.31 pkg/controller)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from meshctl.sandbox.controllers.api import FAULTS, Api, ApiFault
from meshctl.sandbox.controllers.clock import now
from meshctl.sandbox.controllers.journal import Journal, Note, Source, reference
from meshctl.sandbox.controllers.objects import Objects
from meshctl.sandbox.controllers.workloads import owned, victims, writes
from meshctl.sandbox.controllers.workqueue import Key, WorkQueue

Object = dict[str, Any]
KIND = "replicasets"
SOURCE = Source("replicaset-controller")


class ReplicaSets:
    """The controller of one cluster's ReplicaSets."""

    def __init__(self, api: Api, objects: Objects, journal: Journal) -> None:
        self._api = api
        self._objects = objects
        self._journal = journal
        self._pods = owned.Claims(api, objects, "ReplicaSet", "pods")
        self._queue = WorkQueue("ReplicaSet", self._sync)
        objects.subscribe(self._changed)

    async def keep(self) -> None:
        """Control for ever."""
        await self._objects.synced.wait()
        for one in self._objects.all(KIND):
            self._add(one)
        await self._queue.keep()

    def _add(self, found: Mapping[str, Any]) -> None:
        self._queue.add((found["metadata"]["namespace"], found["metadata"]["name"]))

    def _changed(self, kind: str, before: Object | None, after: Object | None) -> None:
        if kind == KIND:
            self._add(after or before or {})
        if kind != "pods":
            return
        for pod in filter(None, (before, after)):
            holder = owned.controller(pod)
            if holder and holder["kind"] == "ReplicaSet":
                self._queue.add((pod["metadata"]["namespace"], holder["name"]))
            elif not holder:
                self._orphan(pod)

    def _orphan(self, pod: Mapping[str, Any]) -> None:
        """Whoever may adopt it is to look."""
        for one in self._objects.all(KIND):
            if one["metadata"]["namespace"] == pod["metadata"]["namespace"]:
                self._add(one)

    async def _sync(self, key: Key) -> None:
        found = self._objects.get(KIND, *key)
        if not found:
            return
        pods = [pod for pod in await self._pods.claim(found) if victims.active(pod)]
        fault: ApiFault | None = None
        if not found["metadata"].get("deletionTimestamp"):
            fault = await self._manage(found, pods)
            pods = [pod for pod in self._pods.of(found) if victims.active(pod)]
        latest = self._objects.get(KIND, *key)
        if latest and latest["metadata"]["uid"] == found["metadata"]["uid"]:
            await self._report(latest, pods, fault)
        if fault:
            raise fault

    async def _manage(self, found: Object, pods: Sequence[Object]) -> ApiFault | None:
        surplus = len(pods) - int(found["spec"].get("replicas", 1))
        if surplus > 0:
            related = [pod for one in self._siblings(found) for pod in self._pods.of(one)]
            gone = victims.choose(list(pods), related, surplus)
            await asyncio.gather(*(self._delete(found, pod) for pod in gone))
            return None
        return await self._create(found, -surplus)

    def _siblings(self, found: Object) -> list[Object]:
        holder = (owned.controller(found) or {}).get("uid")
        if not holder:
            return [found]
        return [one for one in self._objects.all(KIND) if (owned.controller(one) or {}).get("uid") == holder]

    async def _create(self, found: Object, count: int) -> ApiFault | None:
        """Create pods in batches that double, so that what can't be is not tried many times."""
        batch = 1
        while count > 0:
            tried = await asyncio.gather(*(self._add_pod(found) for _ in range(min(batch, count))))
            if fault := next(filter(None, tried), None):
                return fault
            count -= batch
            batch *= 2
        return None

    async def _add_pod(self, found: Object) -> ApiFault | None:
        namespace = found["metadata"]["namespace"]
        named = reference("ReplicaSet", "apps/v1", found)
        try:
            made = await self._api.ask("POST", f"/api/v1/namespaces/{namespace}/pods", pod_of(found))
        except ApiFault as fault:
            # Nothing is created in a namespace that ends, and nobody needs to be told.
            if "is being terminated" not in str(fault):
                self._journal.note(SOURCE, named, Note("FailedCreate", f"Error creating: {fault}", warning=True))
            return fault
        except FAULTS as fault:
            return ApiFault(503, str(fault))
        self._objects.put("pods", made)
        self._journal.note(SOURCE, named, Note("SuccessfulCreate", f"Created pod: {made['metadata']['name']}"))
        return None

    async def _delete(self, found: Object, pod: Object) -> None:
        await writes.forget(self._api, self._objects, "pods", pod)
        named = reference("ReplicaSet", "apps/v1", found)
        self._journal.note(SOURCE, named, Note("SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}"))

    async def _report(self, found: Object, pods: Sequence[Object], fault: ApiFault | None) -> None:
        wait = float(found["spec"].get("minReadySeconds") or 0)
        ages = [_age(pod) for pod in pods if victims.ready(pod)]
        await writes.write_status(self._api, self._objects, KIND, found, status(found, pods, ages, fault))
        young = [wait - age for age in ages if age < wait]
        if young:
            self._queue.add_later((found["metadata"]["namespace"], found["metadata"]["name"]), min(young) + 0.01)


def pod_of(found: Mapping[str, Any]) -> Object:
    """A pod as a ReplicaSet's template describes it."""
    template = found["spec"]["template"]
    metadata = {key: value for key, value in (template.get("metadata") or {}).items() if key != "creationTimestamp"}
    kept = {key: metadata[key] for key in ("labels", "annotations", "finalizers") if metadata.get(key)}
    named = {"generateName": f"{found['metadata']['name']}-", "ownerReferences": [owned.reference("ReplicaSet", found)]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {**kept, **named}, "spec": template["spec"]}


def status(found: Mapping[str, Any], pods: Sequence[Object], ages: Sequence[float], fault: ApiFault | None) -> Object:
    """The whole status; `ages` are the seconds that each ready pod has been ready."""
    wanted = (found["spec"]["template"].get("metadata") or {}).get("labels") or {}
    labelled = [pod for pod in pods if wanted.items() <= (pod["metadata"].get("labels") or {}).items()]
    wait = float(found["spec"].get("minReadySeconds") or 0)
    counts = {
        "fullyLabeledReplicas": len(labelled),
        "readyReplicas": len(ages),
        "availableReplicas": sum(age >= wait for age in ages),
    }
    done: Object = {"replicas": len(pods), **{key: count for key, count in counts.items() if count}}
    before = victims.condition(found, "ReplicaFailure")
    if fault:
        said = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": str(fault)}
        done["conditions"] = [{**said, "lastTransitionTime": before.get("lastTransitionTime") or now()}]
    done["observedGeneration"] = found["metadata"].get("generation", 0)
    return done


def _age(pod: Mapping[str, Any]) -> float:
    since = victims.condition(pod, "Ready").get("lastTransitionTime") or now()
    return time.time() - datetime.fromisoformat(str(since)).timestamp()
