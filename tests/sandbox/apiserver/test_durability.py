"""What was acknowledged stays, whoever is killed; nobody's write is lost to another's; watchers see all of it."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.sandbox.apiserver.process import Client, Server

MAPS = "/api/v1/namespaces/default/configmaps"
FAULTS = (urllib3.exceptions.HTTPError, OSError)
WRITERS = 16


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, pod_service_accounts=False) as one:
        yield one


def configmap(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def test_sixteen_writers_of_one_object_lose_no_update(server: Server) -> None:
    server.client().create(MAPS, configmap("count", n="0"))

    def add(times: int) -> int:
        client, refused = server.client(), 0
        while times:
            found = client.get(f"{MAPS}/count")
            found["data"]["n"] = str(int(found["data"]["n"]) + 1)
            status, body = client.call("PUT", f"{MAPS}/count", found)
            assert status in (200, 409), body
            times, refused = (times - 1, refused) if status == 200 else (times, refused + 1)
        return refused

    with ThreadPoolExecutor(WRITERS) as pool:
        refused = sum(pool.map(add, [8] * WRITERS))
    assert server.client().get(f"{MAPS}/count")["data"]["n"] == str(8 * WRITERS)
    assert refused > 0


class Watcher(threading.Thread):
    """Follows the ConfigMaps as an informer does: lists, watches from there, and lists again after 410."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self.seen: list[tuple[str, str, int]] = []
        self.relisted = 0
        self._server = server
        self._version = ""
        self.ended = threading.Event()

    def run(self) -> None:
        client = self._server.client()
        while not self.ended.is_set():
            try:
                self._follow(client)
            except FAULTS:
                time.sleep(0.01)

    def _follow(self, client: Client) -> None:
        if not self._version:
            status, body = client.call("GET", MAPS)
            assert status == 200
            self._version = body["metadata"]["resourceVersion"]
            self.relisted += 1
        query = f"watch=true&resourceVersion={self._version}&timeoutSeconds=30&allowWatchBookmarks=true"
        answer = client.raw("GET", f"{MAPS}?{query}", stream=True)
        rest = b""
        for part in answer.stream(amt=None):
            *lines, rest = (rest + part).split(b"\n")
            for line in filter(None, lines):
                self._take(json.loads(line))

    def _take(self, event: dict[str, Any]) -> None:
        if event["type"] == "ERROR":
            assert event["object"]["code"] == 410
            self._version = ""
            return
        metadata = event["object"]["metadata"]
        self._version = metadata["resourceVersion"]
        if event["type"] != "BOOKMARK":
            self.seen.append((event["type"], metadata["name"], int(self._version)))


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_watchers_see_every_change_once_and_in_order_across_a_kill(server: Server) -> None:
    watchers = [Watcher(server) for _ in range(4)]
    for watcher in watchers:
        watcher.start()
    until(lambda: all(watcher.relisted for watcher in watchers))
    client, wanted = server.client(), []
    for number in range(60):
        if number in (20, 40):
            server.kill()
            server.start()
        made = client.create(MAPS, configmap(f"m{number}"))
        wanted.append(("ADDED", f"m{number}", int(made["metadata"]["resourceVersion"])))
    last = wanted[-1]
    until(lambda: all(watcher.seen and watcher.seen[-1] == last for watcher in watchers))
    for watcher in watchers:
        watcher.ended.set()
        assert watcher.relisted == 1
        assert [one for one in watcher.seen if one[1].startswith("m")] == wanted


class Writer(threading.Thread):
    """Changes objects of its own, and remembers what was acknowledged and what it does not know."""

    def __init__(self, server: Server, number: int) -> None:
        super().__init__(daemon=True)
        self.number = number
        self.acknowledged: dict[str, str] = {}
        self.unknown: dict[str, set[str]] = {}
        self.writes = 0
        self.ended = threading.Event()
        self._server = server
        self._dice = random.Random(number)

    def run(self) -> None:
        client = self._server.client()
        while not self.ended.is_set():
            name = f"w{self.number}-{self._dice.randrange(8)}"
            self.writes += 1
            value = str(self.writes)
            try:
                self._write(client, name, value)
            except FAULTS:
                self.unknown.setdefault(name, set()).add(value)
                time.sleep(0.01)

    def _write(self, client: Client, name: str, value: str) -> None:
        # Two fields: a write that is done by half would be seen.
        body = configmap(name, a=value, b=value)
        status, _ = client.call("POST", MAPS, body)
        if status == 409:
            status, _ = client.call("PUT", f"{MAPS}/{name}", body)
        assert status in (200, 201)
        self.acknowledged[name] = value
        self.unknown.pop(name, None)

    def wrong(self, stored: dict[str, dict[str, str]]) -> list[str]:
        """The objects that are neither as acknowledged nor as a write whose answer was lost would have left them."""
        names = {*self.acknowledged, *self.unknown}
        found = {name: stored.get(name, {"a": "", "b": ""}) for name in names}
        return [
            f"{name}: {data}; acknowledged {self.acknowledged.get(name)}, unknown {self.unknown.get(name)}"
            for name, data in found.items()
            if data["a"] != data["b"] or data["a"] not in self._possible(name)
        ]

    def _possible(self, name: str) -> set[str]:
        return {self.acknowledged.get(name, ""), *self.unknown.get(name, ())}


def test_a_kill_under_load_loses_no_acknowledged_write(server: Server, soak: bool) -> None:
    dice = random.Random(5)
    writers = [Writer(server, number) for number in range(4)]
    for writer in writers:
        writer.start()
    for _ in range(200 if soak else 5):
        before = sum(writer.writes for writer in writers)
        until(lambda before=before: sum(writer.writes for writer in writers) > before + 20)  # type: ignore[misc]
        time.sleep(dice.random() * 0.02)
        server.kill()
        server.start()
    for writer in writers:
        writer.ended.set()
    for writer in writers:
        writer.join(60)
    server.kill()
    server.start()
    items = server.client().get(MAPS)["items"]
    stored = {one["metadata"]["name"]: one["data"] for one in items if "data" in one}
    assert [line for writer in writers for line in writer.wrong(stored)] == []
    assert sum(len(writer.acknowledged) for writer in writers) > 8
