"""The scheduler: every pod without a node gets one, or is told why not (Kubernetes 1.31 pkg/scheduler)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.controllers.api import Api, ApiFault
from meshctl.sandbox.controllers.clock import now
from meshctl.sandbox.controllers.journal import Journal, Note, Source, reference
from meshctl.sandbox.controllers.objects import Objects
from meshctl.sandbox.controllers.workloads import placement, victims
from meshctl.sandbox.controllers.workqueue import Key, WorkQueue

Object = dict[str, Any]
NAME = "default-scheduler"
SOURCE = Source(NAME)
STRATEGIC = "application/strategic-merge-patch+json"


class Scheduler:
    """The scheduler of one cluster."""

    def __init__(self, api: Api, objects: Objects, journal: Journal) -> None:
        self._api = api
        self._objects = objects
        self._journal = journal
        self._queue = WorkQueue("Pod", self._sync)
        # Where pods go whose binding the watch has not told yet, by uid.
        self._bound: dict[str, str] = {}
        objects.subscribe(self._changed)

    async def keep(self) -> None:
        """Schedule for ever."""
        await self._objects.synced.wait()
        self._retry()
        await self._queue.keep()

    def _changed(self, kind: str, before: Object | None, after: Object | None) -> None:
        if kind == "pods":
            if after and not after["spec"].get("nodeName"):
                self._add(after)
            elif after:
                self._bound.pop(after["metadata"]["uid"], None)
            if before and before["spec"].get("nodeName") and (after is None or victims.phase(after) in DONE):
                self._retry()
        elif kind == "nodes" and _matters(before) != _matters(after):
            self._retry()

    def _retry(self) -> None:
        for pod in self._objects.all("pods"):
            if not pod["spec"].get("nodeName"):
                self._add(pod)

    def _add(self, pod: Mapping[str, Any]) -> None:
        if pod["spec"].get("schedulerName", NAME) == NAME:
            self._queue.add((pod["metadata"]["namespace"], pod["metadata"]["name"]))

    async def _sync(self, key: Key) -> None:
        pod = self._objects.get("pods", *key)
        if not pod or pod["spec"].get("nodeName") or pod["metadata"]["uid"] in self._bound:
            return
        if pod["metadata"].get("deletionTimestamp") or pod["spec"].get("schedulingGates"):
            return
        nodes, placed = list(self._objects.all("nodes")), self._placed()
        obstacles = {
            one["metadata"]["name"]: placement.obstacle(pod, one, placed[one["metadata"]["name"]]) for one in nodes
        }
        possible = [one for one in nodes if not obstacles[one["metadata"]["name"]]]
        if possible:
            await self._bind(pod, placement.best(pod, possible, placed))
        else:
            await self._tell(pod, placement.verdict(obstacles.values(), len(nodes)))

    def _placed(self) -> dict[str, list[Object]]:
        """The pods of each node, those among them that are about to be there."""
        placed: dict[str, list[Object]] = defaultdict(list)
        for pod in self._objects.all("pods"):
            node = pod["spec"].get("nodeName") or self._bound.get(pod["metadata"]["uid"])
            if node and victims.phase(pod) not in DONE:
                placed[node].append(pod)
        return placed

    async def _bind(self, pod: Object, node: str) -> None:
        metadata = pod["metadata"]
        named = {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]}
        target = {"apiVersion": "v1", "kind": "Node", "name": node}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": named, "target": target}
        self._bound[metadata["uid"]] = node
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/binding"
        try:
            await self._api.ask("POST", path, binding)
        except BaseException as fault:
            del self._bound[metadata["uid"]]
            if isinstance(fault, ApiFault) and fault.code in (404, 409):
                return
            raise
        words = f"Successfully assigned {metadata['namespace']}/{metadata['name']} to {node}"
        self._journal.note(SOURCE, reference("Pod", "v1", pod), Note("Scheduled", words))

    async def _tell(self, pod: Object, why: str) -> None:
        before = victims.condition(pod, "PodScheduled")
        if before.get("message") == why and before.get("reason") == "Unschedulable":
            return
        said = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": why}
        since = before["lastTransitionTime"] if before.get("status") == "False" else now()
        metadata = pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status"
        change = {"status": {"conditions": [{**said, "lastProbeTime": None, "lastTransitionTime": since}]}}
        self._objects.put("pods", await self._api.ask("PATCH", path, change, STRATEGIC))
        self._journal.note(SOURCE, reference("Pod", "v1", pod), Note("FailedScheduling", why, warning=True))


DONE = ("Succeeded", "Failed")


def _matters(node: Mapping[str, Any] | None) -> object:
    """What of a node decides on pods."""
    if node is None:
        return None
    spec = node.get("spec") or {}
    room = (node.get("status") or {}).get("allocatable")
    return spec.get("unschedulable"), spec.get("taints"), node["metadata"].get("labels"), room
