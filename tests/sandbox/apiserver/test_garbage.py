"""What belongs to a deleted owner or namespace goes with it, also if the server was dead meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.sandbox.apiserver.process import Client, Server

SPACE = "/api/v1/namespaces/default"
MAPS = f"{SPACE}/configmaps"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, pod_service_accounts=False, namespace_grace=0) as one:
        yield one


@pytest.fixture
def client(server: Server) -> Client:
    return server.client()


def make(client: Client, name: str, *owners: Any, path: str = MAPS, **metadata: Any) -> Any:
    """A ConfigMap that belongs to others."""
    references = [
        {"apiVersion": "v1", "kind": "ConfigMap", "blockOwnerDeletion": True}
        | {key: one["metadata"][key] for key in ("name", "uid")}
        for one in owners
    ]
    return client.create(path, {"metadata": {"name": name, "ownerReferences": references, **metadata}})


def remove(client: Client, name: str, policy: str) -> None:
    status, body = client.call("DELETE", f"{MAPS}/{name}", {"propagationPolicy": policy})
    assert status == 200, body


def names(client: Client, path: str = MAPS) -> set[str]:
    return {one["metadata"]["name"] for one in client.get(path)["items"]}


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_family_goes_behind_its_owner(client: Client) -> None:
    root = make(client, "root")
    child = make(client, "child", root)
    make(client, "grandchild", child)
    make(client, "stranger")
    remove(client, "root", "Background")
    until(lambda: names(client) == {"stranger"})


def test_whoever_has_another_owner_stays(client: Client) -> None:
    first, second = make(client, "first"), make(client, "second")
    make(client, "shared", first, second)
    remove(client, "first", "Background")
    shared = f"{MAPS}/shared"
    until(lambda: len(client.get(shared)["metadata"]["ownerReferences"]) == 1)
    assert client.get(shared)["metadata"]["ownerReferences"][0]["name"] == "second"
    remove(client, "second", "Background")
    until(lambda: names(client) == set())


def test_orphans_stay_and_belong_to_nobody(client: Client) -> None:
    make(client, "child", make(client, "root"))
    remove(client, "root", "Orphan")
    until(lambda: names(client) == {"child"})
    assert "ownerReferences" not in client.get(f"{MAPS}/child")["metadata"]


def test_in_the_foreground_the_owner_goes_last(client: Client) -> None:
    root = make(client, "root")
    make(client, "grandchild", make(client, "child", root), finalizers=["example.org/hold"])
    remove(client, "root", "Foreground")
    until(lambda: bool(client.get(f"{MAPS}/grandchild")["metadata"].get("deletionTimestamp")))
    assert names(client) == {"root", "child", "grandchild"}
    client.patch(f"{MAPS}/grandchild", {"metadata": {"finalizers": None}})
    until(lambda: names(client) == set())


def test_an_owner_of_the_same_name_is_another(client: Client) -> None:
    old = make(client, "root")
    remove(client, "root", "Background")
    make(client, "root")
    make(client, "late", old)
    until(lambda: names(client) == {"root"})


def test_a_namespace_takes_everything_with_it_but_what_is_held(client: Client) -> None:
    client.create("/api/v1/namespaces", {"metadata": {"name": "lab"}})
    maps = "/api/v1/namespaces/lab/configmaps"
    make(client, "a", path=maps)
    make(client, "held", path=maps, finalizers=["example.org/hold"])
    client.create("/api/v1/namespaces/lab/services", {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}})
    assert client.call("DELETE", "/api/v1/namespaces/lab")[0] == 200
    until(lambda: names(client, maps) == {"held"})
    until(lambda: "conditions" in client.get("/api/v1/namespaces/lab")["status"])
    said = {one["type"]: one["message"] for one in client.get("/api/v1/namespaces/lab")["status"]["conditions"]}
    where = "Some resources are remaining: configmaps. has 1 resource instances"
    assert said["NamespaceContentRemaining"] == where
    assert said["NamespaceFinalizersRemaining"].endswith("remaining: example.org/hold in 1 resource instances")
    client.patch(f"{maps}/held", {"metadata": {"finalizers": None}})
    until(lambda: client.call("GET", "/api/v1/namespaces/lab")[0] == 404)


def test_what_was_left_over_goes_when_the_server_is_back(tmp_path: Path) -> None:
    with Server(tmp_path, pod_service_accounts=False, collects=False) as server:
        client = server.client()
        make(client, "child", make(client, "root"))
        make(client, "late", make(client, "slow"))
        remove(client, "root", "Background")
        remove(client, "slow", "Foreground")
        client.create("/api/v1/namespaces", {"metadata": {"name": "lab"}})
        client.call("DELETE", "/api/v1/namespaces/lab")
        assert names(client) == {"child", "slow", "late"}
        server.kill()
        settings = yaml.safe_load(server.config.read_text()) | {"collects": True, "namespace_grace": 0}
        server.config.write_text(yaml.safe_dump(settings))
        server.start()
        until(lambda: names(server.client()) == set())
        until(lambda: server.client().call("GET", "/api/v1/namespaces/lab")[0] == 404)
