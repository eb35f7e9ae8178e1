"""Deployments: one ReplicaSet for each template, resized until the current one has all (Kubernetes 1.31)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from meshctl.sandbox.controllers.api import Api, ApiFault
from meshctl.sandbox.controllers.journal import Journal, Note, Source, reference
from meshctl.sandbox.controllers.objects import GROUPS, Objects
from meshctl.sandbox.controllers.workloads import owned, progress, revisions, rollout, victims, writes
from meshctl.sandbox.controllers.workqueue import Key, WorkQueue

Object = dict[str, Any]
KIND, SETS = "deployments", "replicasets"
SOURCE = Source("deployment-controller")
CREATED, FOUND = "NewReplicaSetCreated", "FoundNewReplicaSet"


class Deployments:
    """The controller of one cluster's Deployments."""

    def __init__(self, api: Api, objects: Objects, journal: Journal) -> None:
        self._api = api
        self._objects = objects
        self._journal = journal
        self._sets = owned.Claims(api, objects, "Deployment", SETS)
        self._pods = owned.Claims(api, objects, "ReplicaSet", "pods")
        self._queue = WorkQueue("Deployment", self._sync)
        objects.subscribe(self._changed)

    async def keep(self) -> None:
        """Control for ever."""
        await self._objects.synced.wait()
        for one in self._objects.all(KIND):
            self._queue.add((one["metadata"]["namespace"], one["metadata"]["name"]))
        await self._queue.keep()

    def _changed(self, kind: str, before: Object | None, after: Object | None) -> None:
        found = after or before or {}
        if kind == KIND:
            self._queue.add((found["metadata"]["namespace"], found["metadata"]["name"]))
        elif kind == SETS:
            for one in filter(None, (before, after)):
                self._add_owner(one)
        elif kind == "pods" and after is None:
            self._pod_gone(found)

    def _add_owner(self, found: Mapping[str, Any]) -> None:
        namespace, holder = found["metadata"]["namespace"], owned.controller(found)
        if holder and holder["kind"] == "Deployment":
            self._queue.add((namespace, holder["name"]))
        elif not holder:
            for one in self._objects.all(KIND):
                if one["metadata"]["namespace"] == namespace:
                    self._queue.add((namespace, one["metadata"]["name"]))

    def _pod_gone(self, pod: Mapping[str, Any]) -> None:
        """A Deployment that recreates waits for its last old pod."""
        holder = owned.controller(pod)
        if holder and (found := self._objects.get(SETS, pod["metadata"]["namespace"], holder["name"])):
            self._add_owner(found)

    async def _sync(self, key: Key) -> None:
        found = self._objects.get(KIND, *key)
        if not found:
            return
        sets = await self._sets.claim(found)
        if found["metadata"].get("deletionTimestamp"):
            await self._report(found, sets, revisions.current(found, sets))
        elif found["spec"].get("paused") or self._is_scaled(found, sets):
            await self._rescale(found, sets)
        elif (found["spec"].get("strategy") or {}).get("type") == "Recreate":
            await self._recreate(found, sets)
        else:
            await self._roll(found, sets)

    def _is_scaled(self, found: Object, sets: Sequence[Object]) -> bool:
        """Whether the Deployment has another size than the one that its ReplicaSets are a share of."""
        stated = [_desired(one) for one in sets if rollout.replicas(one) > 0]
        return any(one is not None and one != found["spec"]["replicas"] for one in stated)

    async def _rescale(self, found: Object, sets: Sequence[Object]) -> None:
        new = revisions.current(found, sets)
        if new:
            found, new = await self._number(found, new, sets)
        sets = self._sets.of(found)
        sizes = rollout.scaled(sets, new, rollout.limits(found))
        await asyncio.gather(*(self._resize(found, one, sizes.get(_name(one))) for one in sets))
        news = ""
        paused, reason = found["spec"].get("paused"), victims.condition(found, progress.PROGRESSING).get("reason")
        if paused and reason != progress.PAUSED:
            news = progress.PAUSED
        await self._report(found, self._sets.of(found), new and self._latest(new), news)
        if paused:
            await self._clean(found)

    async def _roll(self, found: Object, sets: Sequence[Object]) -> None:
        allowed = rollout.limits(found)
        found, new, news = await self._current(found, sets, lambda: rollout.grown(None, sets, allowed))
        if new is None:
            return
        sets = self._sets.of(found)
        size = rollout.grown(new, sets, allowed)
        if not await self._resize(found, new, size):
            old = [one for one in sets if _name(one) != _name(new)]
            shrunk = rollout.shrunk(new, old, allowed)
            await asyncio.gather(*(self._resize(found, one, shrunk.get(_name(one))) for one in old))
        await self._report(found, self._sets.of(found), self._latest(new), news)
        await self._clean(found)

    async def _recreate(self, found: Object, sets: Sequence[Object]) -> None:
        new = revisions.current(found, sets)
        old = [one for one in sets if new is None or _name(one) != _name(new)]
        alive = [one for one in old if rollout.replicas(one) > 0]
        await asyncio.gather(*(self._resize(found, one, 0) for one in alive))
        running = [
            pod for one in old for pod in self._pods.of(one) if victims.phase(pod) not in ("Failed", "Succeeded")
        ]
        if alive or running:
            await self._report(found, self._sets.of(found), new)
            return
        found, new, news = await self._current(found, sets, lambda: int(found["spec"]["replicas"]))
        if new is None:
            return
        await self._resize(found, new, int(found["spec"]["replicas"]))
        await self._report(found, self._sets.of(found), self._latest(new), news)
        await self._clean(found)

    async def _current(self, found: Object, sets: Sequence[Object], size: Any) -> tuple[Object, Object | None, str]:
        """The Deployment and its current ReplicaSet, made if there is none, and what is new about it."""
        if new := revisions.current(found, sets):
            found, new = await self._number(found, new, sets)
            progressing = victims.condition(found, progress.PROGRESSING)
            resumed = progressing.get("reason") == progress.PAUSED
            return found, new, progress.RESUMED if resumed else "" if progressing else FOUND
        made = revisions.make(found, sets, size(), rollout.limits(found).most)
        try:
            new = await self._api.ask("POST", _collection(SETS, found), made)
        except ApiFault as fault:
            if fault.code == 409:
                await self._collide(found, made)
            raise
        self._objects.put(SETS, new)
        if rollout.replicas(new):
            self._note_size(found, new, 0, rollout.replicas(new))
        found, new = await self._number(found, new, sets)
        return found, new, CREATED

    async def _collide(self, found: Object, made: Object) -> None:
        """Another ReplicaSet has the name: count it, so that the next hash differs."""
        live = await self._api.ask("GET", writes.path(SETS, made))
        if (owned.controller(live) or {}).get("uid") == found["metadata"]["uid"]:
            self._objects.put(SETS, live)
            return
        count = int((found.get("status") or {}).get("collisionCount") or 0) + 1
        status = {**(found.get("status") or {}), "collisionCount": count}
        await writes.write_status(self._api, self._objects, KIND, found, status)

    async def _number(self, found: Object, new: Object, sets: Sequence[Object]) -> tuple[Object, Object]:
        old = [one for one in sets if _name(one) != _name(new)]
        wanted = revisions.renumbered(new, found, old)
        new = await writes.annotate(self._api, self._objects, SETS, new, wanted)
        number = {revisions.REVISION: str(revisions.revision(new))}
        return await writes.annotate(self._api, self._objects, KIND, found, number), new

    async def _resize(self, found: Object, one: Object, size: int | None) -> bool:
        """Give a ReplicaSet its size, and note the Deployment's; whether the size changed."""
        before = rollout.replicas(one)
        size = before if size is None else size
        noted = revisions.sizes(found["spec"]["replicas"], rollout.limits(found).most)
        have = one["metadata"].get("annotations") or {}
        if size == before and noted.items() <= have.items():
            return False
        metadata = {**one["metadata"], "annotations": {**have, **noted}}
        wanted = {**one, "metadata": metadata, "spec": {**one["spec"], "replicas": size}}
        self._objects.put(SETS, await self._api.ask("PUT", writes.path(SETS, one), wanted))
        if size != before:
            self._note_size(found, one, before, size)
        return size != before

    def _note_size(self, found: Object, one: Object, before: int, size: int) -> None:
        way = "up" if size > before else "down"
        words = f"Scaled {way} replica set {_name(one)} from {before} to {size}"
        self._journal.note(SOURCE, reference("Deployment", "apps/v1", found), Note("ScalingReplicaSet", words))

    def _latest(self, one: Object) -> Object:
        return self._objects.get(SETS, one["metadata"]["namespace"], _name(one)) or one

    async def _report(self, found: Object, sets: Sequence[Object], new: Object | None, news: str = "") -> None:
        latest = self._objects.get(KIND, found["metadata"]["namespace"], _name(found)) or found
        wanted = progress.status(latest, sets, new, news)
        written = await writes.write_status(self._api, self._objects, KIND, latest, wanted)
        if (wait := progress.patience(written)) is not None:
            self._queue.add_later((found["metadata"]["namespace"], _name(found)), wait)

    async def _clean(self, found: Object) -> None:
        """Old ReplicaSets beyond the history's limit go once the rollout is complete."""
        live = self._objects.get(KIND, found["metadata"]["namespace"], _name(found)) or found
        sets = self._sets.of(found)
        new = revisions.current(found, sets)
        counted = {key: int((live.get("status") or {}).get(key) or 0) for key in COUNTS}
        if not progress.complete(found, counted) or not new:
            return
        old = [one for one in sets if _name(one) != _name(new) and _is_spent(one)]
        surplus = len(old) - int(found["spec"].get("revisionHistoryLimit", 10))
        for one in sorted(old, key=revisions.revision)[: max(surplus, 0)]:
            await writes.forget(self._api, self._objects, SETS, one)


COUNTS = ("replicas", "updatedReplicas", "availableReplicas")


def _is_spent(one: Mapping[str, Any]) -> bool:
    left = int((one.get("status") or {}).get("replicas") or 0)
    return not left and not rollout.replicas(one) and not one["metadata"].get("deletionTimestamp")


def _desired(one: Mapping[str, Any]) -> int | None:
    text = (one["metadata"].get("annotations") or {}).get(revisions.DESIRED)
    return int(text) if text else None


def _name(found: Mapping[str, Any]) -> str:
    return str(found["metadata"]["name"])


def _collection(kind: str, found: Mapping[str, Any]) -> str:
    return f"{GROUPS[kind]}/namespaces/{found['metadata']['namespace']}/{kind}"
