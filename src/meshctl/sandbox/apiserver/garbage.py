"""What belongs to others goes with them: ownerReferences, and the three ways of deleting an owner.

Rules of pkg/controller/garbagecollector (attemptToDeleteItem, attemptToOrphan), Kubernetes 1.36.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from meshctl.sandbox.apiserver import deletion
from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.deletion import FOREGROUND, ORPHAN
from meshctl.sandbox.apiserver.failure import Failure
from meshctl.sandbox.apiserver.options import DeleteOptions
from meshctl.sandbox.apiserver.resources.resource import Resource
from meshctl.sandbox.apiserver.storage.revision import DELETED, Change, Stored
from meshctl.sandbox.apiserver.writing import release

Object = dict[str, Any]
Place = tuple[str, str]
"""Storage and key of an object."""

OWNED = b'"ownerReferences"'
HELD = (b'"orphan"', b'"foregroundDeletion"')
BATCH = 50


class Collector:
    """Knows which objects name which owners, and looks at every object whose fate may have changed."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._dependents: dict[str, set[Place]] = defaultdict(set)
        self._queue: dict[Place, None] = {}
        self._arrival = asyncio.Event()
        api.store.changes.observe_all(self._take)

    async def run(self) -> None:
        """Look at all there is, then at what changes, for ever."""
        for storage in self._api.store.resources():
            for stored in self._api.store.page(storage).items:
                self._learn((storage, stored.key), stored.data)
            await asyncio.sleep(0)
        while True:
            for _ in range(min(BATCH, len(self._queue))):
                place = next(iter(self._queue))
                del self._queue[place]
                # Somebody else was faster, or it may not go: its next change brings it back.
                with contextlib.suppress(Failure):
                    self._look(*place)
            await asyncio.sleep(0)
            if not self._queue:
                self._arrival.clear()
                await self._arrival.wait()

    def _take(self, change: Change) -> None:
        place = change.resource, change.key
        if change.before and OWNED in change.before:
            for reference in _owners(change.previous() or {}):
                self._dependents[reference["uid"]].discard(place)
        if change.kind == DELETED:
            self._forget(change)
        else:
            self._learn(place, change.data)

    def _learn(self, place: Place, data: bytes) -> None:
        owned = OWNED in data
        if not owned and not any(mark in data for mark in HELD):
            return
        if owned:
            for reference in _owners(Stored("", 0, data).load()):
                self._dependents[reference["uid"]].add(place)
        self._ask(place)

    def _forget(self, change: Change) -> None:
        """Those it owned have to go now; those that wait for it to go may."""
        gone = change.after()
        for place in self._dependents.pop(gone["metadata"]["uid"], ()):
            self._ask(place)
        for reference in _owners(gone):
            if owner := self._owner(change.key, reference):
                self._ask((owner[0].storage, owner[1].key))

    def _ask(self, place: Place) -> None:
        self._queue[place] = None
        self._arrival.set()

    def _look(self, storage: str, key: str) -> None:
        stored = self._api.store.get(storage, key)
        resource = self._api.catalog.storages().get(storage)
        if stored is None or resource is None:
            return
        obj = stored.load()
        metadata = obj["metadata"]
        if metadata.get("deletionTimestamp"):
            self._end(resource, stored, obj)
        elif references := list(_owners(obj)):
            self._judge(resource, stored, obj, references)

    def _end(self, resource: Resource, stored: Stored, owner: Object) -> None:
        """An owner that is being deleted: let its dependents live, or go first."""
        metadata = owner["metadata"]
        finalizers, uid = metadata.get("finalizers") or (), metadata["uid"]
        if ORPHAN in finalizers:
            for one, dependent in self._of(uid):
                self._disown(one, dependent, {uid})
            release(self._api, resource, self._now(resource, stored), ORPHAN)
        elif FOREGROUND in finalizers:
            for one, dependent in self._of(uid):
                if not dependent.load()["metadata"].get("deletionTimestamp"):
                    self._ask((one.storage, dependent.key))
            if not any(_blocks(dependent.load(), uid) for _, dependent in self._of(uid)):
                release(self._api, resource, self._now(resource, stored), FOREGROUND)

    def _now(self, resource: Resource, stored: Stored) -> Stored:
        return self._api.store.get(resource.storage, stored.key) or stored

    def _judge(self, resource: Resource, stored: Stored, obj: Object, references: list[Object]) -> None:
        found = {reference["uid"]: self._owner(stored.key, reference) for reference in references}
        waiting = {uid for uid, owner in found.items() if owner and _is_waiting(owner[1].load())}
        absent = {uid for uid, owner in found.items() if owner is None}
        solid = found.keys() - waiting - absent
        metadata = obj["metadata"]
        if solid:
            if waiting or absent:
                self._disown(resource, stored, waiting | absent)
            return
        if waiting and self._of(metadata["uid"]):
            policy = "Foreground"
        else:
            finalizers = metadata.get("finalizers") or ()
            policy = "Orphan" if ORPHAN in finalizers else "Foreground" if FOREGROUND in finalizers else "Background"
        deletion.delete(self._api, resource, stored, DeleteOptions(propagation=policy, uid=metadata["uid"]))

    def _owner(self, key: str, reference: Object) -> tuple[Resource, Stored] | None:
        """The owner, if it lives: one of another uid with its name is somebody else."""
        group, _, version = reference["apiVersion"].rpartition("/")
        resource = self._api.catalog.kind(group, version, reference["kind"])
        if resource is None:
            return None
        namespace = key.rpartition("/")[0]
        stored = self._api.store.get(
            resource.storage, resource.key(namespace if resource.namespaced else "", reference["name"])
        )
        if stored is None or stored.load()["metadata"]["uid"] != reference["uid"]:
            return None
        return resource, stored

    def _of(self, uid: str) -> list[tuple[Resource, Stored]]:
        """The dependents of an owner as they are now."""
        storages = self._api.catalog.storages()
        found = [
            (storages[storage], self._api.store.get(storage, key))
            for storage, key in self._dependents.get(uid, ())
            if storage in storages
        ]
        return [(resource, stored) for resource, stored in found if stored]

    def _disown(self, resource: Resource, stored: Stored, uids: set[str]) -> None:
        obj = stored.load()
        metadata = obj["metadata"]
        metadata["ownerReferences"] = [one for one in _owners(obj) if one["uid"] not in uids]
        if not metadata["ownerReferences"]:
            del metadata["ownerReferences"]
        self._api.store.replace(resource.storage, stored.key, obj, stored)


def _owners(obj: Object) -> Iterator[Object]:
    yield from obj.get("metadata", {}).get("ownerReferences") or ()


def _is_waiting(owner: Object) -> bool:
    metadata = owner["metadata"]
    return bool(metadata.get("deletionTimestamp")) and FOREGROUND in (metadata.get("finalizers") or ())


def _blocks(dependent: Object, uid: str) -> bool:
    return any(one["uid"] == uid and one.get("blockOwnerDeletion") for one in _owners(dependent))
