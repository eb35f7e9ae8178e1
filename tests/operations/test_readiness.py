"""Waiting for Deployments, at a real API server whose controllers are the test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tests.sandbox.apiserver.process import Server

from meshctl.kube.access import Access
from meshctl.kube.client import Client
from meshctl.operations.readiness import NotReady, await_deployments, unfinished
from meshctl.operations.restarts import restart

Object = dict[str, Any]
WEB = "/apis/apps/v1/namespaces/default/deployments/web"
DONE = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("apiserver")) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    """A client of a server with one Deployment that nobody has rolled out."""
    certificate, key = server.authority.issue("admin", "system:masters")
    access = Access(server.url, str(server.directory / "ca.crt"), str(certificate), str(key))
    found = Client(access)
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template}
    web = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
    found.apply(web)
    yield found
    found.delete(web)


def roll_out(server: Server, **more: Any) -> None:
    server.client().patch(f"{WEB}/status", {"status": {**DONE, **more}})


def test_a_rollout_that_is_done_is_not_waited_for(server: Server, client: Client) -> None:
    roll_out(server)
    assert unfinished(client, "default", ["web"]) == []
    await_deployments(client, {"default": ["web"]}, seconds=5)


def test_a_rollout_is_seen_when_it_happens(server: Server, client: Client) -> None:
    later = threading.Timer(0.3, roll_out, (server,))
    later.start()
    await_deployments(client, {"default": ["web"]}, seconds=30)
    later.join()


def test_what_is_not_ready_in_time_is_named(client: Client) -> None:
    with pytest.raises(NotReady) as late:
        await_deployments(client, {"default": ["web", "absent"]}, seconds=1)
    assert str(late.value) == "Deployment default/web: not rolled out yet; Deployment default/absent is not there"


def test_a_restart_begins_a_rollout_and_leaves_every_field_whose_it_was(server: Server, client: Client) -> None:
    roll_out(server)
    restart(client, "default", "web")
    assert unfinished(client, "default", ["web"]) == ["web"]
    live = client.read(WEB) or {}
    owners = {one["manager"]: one for one in live["metadata"]["managedFields"] if not one.get("subresource")}
    assert "f:containers" in str(owners["meshctl"]["fieldsV1"])
    assert "restartedAt" not in str(owners["meshctl"]["fieldsV1"])
