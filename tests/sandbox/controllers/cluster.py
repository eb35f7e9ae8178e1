"""A real API server with real controllers; the test has the nodes, and what agents would tell of pods."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from meshctl.sandbox.controllers.clock import now
from tests.sandbox.apiserver.process import Client, Server, controllers

Object = dict[str, Any]
PODS = "/api/v1/namespaces/default/pods"
APPS = "/apis/apps/v1/namespaces/default"
STRATEGIC = "application/strategic-merge-patch+json"
ROOM = {"cpu": "4", "memory": "8Gi", "pods": "110"}


class Cluster:
    """A cluster of nodes without agents; `healthy` says whether a pod gets ready."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.client: Client = server.client()
        self.healthy: Callable[[Object], bool] = lambda _: True
        self.most = 0
        self._stop = threading.Event()

    def node(self, name: str, **spec: Any) -> None:
        """Add a node."""
        made = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"name": name}}, "spec": spec}
        self.client.create("/api/v1/nodes", made)
        status = {"allocatable": ROOM, "conditions": [{"type": "Ready", "status": "True"}]}
        self.client.patch(f"/api/v1/nodes/{name}/status", {"status": status})
        self.client.patch(f"/api/v1/nodes/{name}", {"spec": {"taints": None}})

    def deploy(self, name: str, replicas: int, image: str = "web:1", **spec: Any) -> Object:
        """Create a Deployment."""
        labels = {"app": name}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}]}}
        body = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, **spec}
        made = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": body}
        found: Object = self.client.create(f"{APPS}/deployments", made)
        return found

    def change(self, name: str, **spec: Any) -> None:
        """Patch a Deployment's spec."""
        self.client.patch(f"{APPS}/deployments/{name}", {"spec": spec}, STRATEGIC)

    def image(self, name: str, image: str) -> None:
        """Give a Deployment another image."""
        self.change(name, template={"spec": {"containers": [{"name": "c", "image": image}]}})

    def deployment(self, name: str) -> Object:
        """The live Deployment."""
        found: Object = self.client.get(f"{APPS}/deployments/{name}")
        return found

    def sets(self) -> list[Object]:
        """All ReplicaSets."""
        found: list[Object] = self.client.get(f"{APPS}/replicasets")["items"]
        return found

    def pods(self) -> list[Object]:
        """All pods that are not about to go."""
        found: list[Object] = self.client.get(PODS)["items"]
        return [one for one in found if not one["metadata"].get("deletionTimestamp")]

    def images(self) -> list[str]:
        """The images of all pods that are not about to go."""
        return sorted(one["spec"]["containers"][0]["image"] for one in self.pods())

    def condition(self, name: str, kind: str) -> Object:
        """A condition of a Deployment."""
        conditions = self.deployment(name).get("status", {}).get("conditions") or ()
        return next((one for one in conditions if one["type"] == kind), {})

    def done(self, name: str, replicas: int) -> bool:
        """Whether a rollout is complete, as `kubectl rollout status` sees it."""
        found = self.deployment(name)
        status = found.get("status", {})
        counts = [status.get(f"{one}Replicas", 0) for one in ("updated", "available")] + [status.get("replicas", 0)]
        return bool(counts == [replicas] * 3 and status["observedGeneration"] == found["metadata"]["generation"])

    def serve(self) -> None:
        """Be the agents of all nodes, until stopped."""
        client = self.server.client()
        while not self._stop.is_set():
            found = client.get(PODS)["items"]
            self.most = max(self.most, sum(not one["metadata"].get("deletionTimestamp") for one in found))
            for pod in found:
                self._care(client, pod)
            self._stop.wait(0.02)

    def stop(self) -> None:
        """No agents any more."""
        self._stop.set()

    def _care(self, client: Client, pod: Object) -> None:
        path = f"{PODS}/{pod['metadata']['name']}"
        if not pod["spec"].get("nodeName"):
            return
        if pod["metadata"].get("deletionTimestamp"):
            client.call("DELETE", f"{path}?gracePeriodSeconds=0")
            return
        value = str(self.healthy(pod))
        before = {one["type"]: one["status"] for one in pod["status"].get("conditions") or ()}
        if before.get("Ready") != value:
            ready = {"type": "Ready", "status": value, "lastTransitionTime": now()}
            client.call("PATCH", f"{path}/status", {"status": {"phase": "Running", "conditions": [ready]}}, STRATEGIC)


@contextmanager
def cluster(directory: Path, *nodes: str) -> Iterator[Cluster]:
    """A cluster with nodes of these names, and agents."""
    with ExitStack() as stack:
        server = stack.enter_context(Server(directory))
        stack.enter_context(controllers(server))
        made = Cluster(server)
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        until(lambda: made.client.call("GET", account)[0] == 200, "the controllers are at work")
        for name in nodes:
            made.node(name)
        agents = threading.Thread(target=made.serve)
        agents.start()
        try:
            yield made
        finally:
            made.stop()
            agents.join()


def until(true: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)
