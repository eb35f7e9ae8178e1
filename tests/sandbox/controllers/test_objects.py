"""The cache takes over writes of our own at once, and is never set back by what the watch tells late."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from meshctl.sandbox.controllers.api import Api
from meshctl.sandbox.controllers.objects import Objects

Object = dict[str, Any]


def pod(version: int, uid: str = "u", **labels: str) -> Object:
    return {"metadata": {"namespace": "d", "name": "p", "uid": uid, "resourceVersion": str(version), "labels": labels}}


class Told(Api):
    """An API with one pod, that then tells of events."""

    def __init__(self, listed: list[Object], version: int, events: list[tuple[str, Object]]) -> None:
        self._listed, self._version, self._events = listed, version, events

    async def ask(self, *_: Any, **__: Any) -> Object:
        return {"metadata": {"resourceVersion": str(self._version)}, "items": json.loads(json.dumps(self._listed))}

    async def watch(self, collection: str, *_: str) -> AsyncIterator[tuple[str, Object]]:
        for event in self._events if collection.endswith("/pods") else ():
            yield event
        await asyncio.Event().wait()


def follow(api: Told, *puts: Object) -> tuple[Objects, list[tuple[int, int]]]:
    """The cache after everything was told, and the versions before and after each change; `puts` come first."""
    objects, changes = Objects(api), list[tuple[int, int]]()

    def note(kind: str, before: Object | None, after: Object | None) -> None:
        if kind == "pods":
            changes.append((_version(before), _version(after)))

    async def run() -> None:
        objects.subscribe(note)
        for one in puts:
            objects.put("pods", one)
        following = asyncio.create_task(objects.follow())
        await asyncio.wait_for(objects.synced.wait(), 10)
        for _ in range(10):
            await asyncio.sleep(0)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)

    asyncio.run(run())
    return objects, changes


def _version(found: Object | None) -> int:
    return int(found["metadata"]["resourceVersion"]) if found else 0


def test_changes_are_told_once_with_what_was_before() -> None:
    objects, changes = follow(Told([pod(3)], 5, [("MODIFIED", pod(6)), ("BOOKMARK", pod(9)), ("DELETED", pod(10))]))
    assert changes == [(0, 3), (3, 6), (6, 0)]
    assert objects.get("pods", "d", "p") is None


def test_what_we_wrote_is_known_at_once_and_not_set_back() -> None:
    objects, changes = follow(Told([], 5, []))
    objects.put("pods", pod(8))
    assert changes == [(0, 8)]
    objects._take("pods", pod(7, stale="yes"), gone=False)
    objects.put("pods", pod(8))
    assert changes == [(0, 8)]


def test_what_the_watch_has_seen_go_does_not_come_back() -> None:
    """The answer to our write may come after the watch has told of the object's end."""
    objects, changes = follow(Told([], 5, [("ADDED", pod(6)), ("DELETED", pod(7))]))
    objects.put("pods", pod(6))
    assert objects.get("pods", "d", "p") is None
    assert changes[-1] == (6, 0)


def test_another_of_the_same_name_is_not_dropped() -> None:
    objects, _ = follow(Told([pod(3, uid="new")], 5, []))
    objects.drop("pods", pod(2, uid="old"))
    assert objects.get("pods", "d", "p")
    objects.drop("pods", pod(3, uid="new"))
    assert not objects.get("pods", "d", "p")


def test_who_has_unsubscribed_is_told_no_more() -> None:
    objects, told = Objects(Told([], 1, [])), list[str]()

    def note(kind: str, *_: Any) -> None:
        told.append(kind)

    objects.subscribe(note)
    objects.unsubscribe(note)
    objects.put("pods", pod(2))
    assert not told
