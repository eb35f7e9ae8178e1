"""Pods on a cluster's nodes: processes with addresses, files and environment, adopted, restarted, taken away."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from meshctl.kube.client import Client
from meshctl.sandbox import create, delete, paths
from meshctl.sandbox.clusters import create as clusters
from meshctl.validate import find_topology
from tests.live.conftest import Classroom

NAME = "pods"
PODS = "/api/v1/namespaces/default/pods"
Object = dict[str, Any]


@dataclass(frozen=True)
class Cluster:
    """One cluster of three nodes."""

    sandbox: Classroom
    client: Client

    def pod(self, name: str) -> Object:
        """The live pod; empty if there is none."""
        return self.client.read(f"{PODS}/{name}") or {}

    def container(self, name: str) -> Object:
        """The status of its first container."""
        found: list[Object] = self.pod(name).get("status", {}).get("containerStatuses") or [{}]
        return found[0]

    def ready(self, name: str) -> bool:
        """Whether the pod is."""
        conditions = self.pod(name).get("status", {}).get("conditions") or ()
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    def run(self, name: str, words: str, **spec: Any) -> None:
        """Start a pod that runs a shell script, and wait until it is ready."""
        container = {"name": "c", "image": "busybox", "command": ["sh", "-c", words], **spec.pop("container", {})}
        spec = {"nodeName": "cluster1-n2", "terminationGracePeriodSeconds": 1, "containers": [container], **spec}
        self.client.create({"apiVersion": "v1", "kind": "Pod", "metadata": _named(name), "spec": spec})
        until(lambda: self.ready(name), f"{name} is ready")

    def log(self, name: str) -> str:
        """What its container wrote."""
        uid: str = self.pod(name)["metadata"]["uid"]
        folder = paths.of(NAME).folder / "pods" / uid / "c"
        return max(folder.glob("*.log"), key=lambda one: int(one.stem)).read_text()


@pytest.fixture(scope="module")
def cluster(home: object) -> Iterator[Cluster]:
    topology = find_topology(preset="classroom")
    topology = replace(topology, clusters=topology.clusters[:1])
    try:
        create.create(topology, NAME)
        clusters.create(topology, NAME)
        yield Cluster(Classroom(NAME, topology), Client(clusters.forwarded(topology, NAME)["cluster1"]))
    finally:
        delete.delete(NAME)


def _named(name: str) -> Object:
    return {"name": name, "namespace": "default"}


def until(true: Callable[[], object], what: str, seconds: float = 10.0) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def test_a_pod_has_address_name_servers_environment_and_files(cluster: Cluster) -> None:
    data = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _named("settings"), "data": {"key": "before"}}
    cluster.client.create(data)
    words = "echo $GREETING $IP $(hostname) $(cat /etc/settings/key); grep -c cluster.local /etc/resolv.conf; sleep 60"
    field = {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    environment = [{"name": "GREETING", "value": "hello"}, field]
    mount = {"name": "settings", "mountPath": "/etc/settings"}
    volume = {"name": "settings", "configMap": {"name": "settings"}}
    cluster.run("files", words, container={"env": environment, "volumeMounts": [mount]}, volumes=[volume])
    address = cluster.pod("files")["status"]["podIP"]
    assert address.startswith("172.20.2.")
    until(lambda: cluster.log("files").count("\n") == 2, "the log is written")
    assert cluster.log("files") == f"hello {address} files before\n1\n"


def test_a_mounted_config_map_follows_its_object(cluster: Cluster) -> None:
    data: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _named("live"), "data": {"key": "before"}}
    cluster.client.create(data)
    mount, volume = {"name": "v", "mountPath": "/v"}, {"name": "v", "configMap": {"name": "live"}}
    words = "until grep -q after /v/key; do sleep 0.1; done; echo seen; sleep 60"
    cluster.run("follows", words, container={"volumeMounts": [mount]}, volumes=[volume])
    cluster.client.apply({**data, "data": {"key": "after"}})
    until(lambda: cluster.log("follows") == "seen\n", "the change arrives", 3)


def test_a_volume_may_lie_above_the_sandboxs_own_programs(cluster: Cluster) -> None:
    """As a checkout below /tmp does where a pod has its scratch folder there."""
    above = f"/{Path(sys.prefix).parts[1]}"
    image: Object = {"image": "docker.io/istio/examples-bookinfo-details-v1:1.20", "command": None}
    image["volumeMounts"] = [{"name": "v", "mountPath": above}, {"name": "w", "mountPath": f"{above}/inner"}]
    cluster.run("covered", "", container=image, volumes=[{"name": name, "emptyDir": {}} for name in ("v", "w")])


def test_pods_of_different_nodes_reach_each_other(cluster: Cluster) -> None:
    image: Object = {"image": "docker.io/istio/examples-bookinfo-details-v1:1.20", "command": None}
    image["readinessProbe"] = {"httpGet": {"path": "/health", "port": 9080}, "periodSeconds": 1}
    cluster.run("server", "", container=image, nodeName="cluster1-n3")
    address = cluster.pod("server")["status"]["podIP"]
    with cluster.sandbox.control() as control:
        pod = next(name for name in control.status()["pods"] if "/server/" not in name)
        answer = control.run(["curl", "-sS", f"http://{address}:9080/health"], node="cluster1-n2", pod=pod)
    assert "Details is healthy" in answer


def test_a_container_that_ends_is_started_again_and_remembers(cluster: Cluster) -> None:
    cluster.run("ends", "echo life; sleep 60")
    with cluster.sandbox.control() as control:
        name = next(one["name"] for one in control.status()["programs"] if "/ends/" in one["name"])
        control.signal(name, signal.SIGKILL)
    until(lambda: cluster.container("ends").get("restartCount") == 1 and cluster.ready("ends"), "it runs again")
    last = cluster.container("ends")["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"]) == (137, "Error")


def test_an_agent_that_is_killed_finds_its_pods_running(cluster: Cluster) -> None:
    cluster.run("stays", "sleep 60")
    before, address = cluster.container("stays"), cluster.pod("stays")["status"]["podIP"]
    with cluster.sandbox.control() as control:
        control.signal("controllers-cluster1", signal.SIGKILL)
        cluster.run("another", "sleep 60")
    assert cluster.container("stays")["containerID"] == before["containerID"]
    assert cluster.pod("another")["status"]["podIP"] != address


def test_a_deleted_pod_leaves_nothing(cluster: Cluster) -> None:
    cluster.run("leaves", "trap 'exit 0' TERM; while true; do sleep 0.1; done")
    uid = cluster.pod("leaves")["metadata"]["uid"]
    cluster.client.delete({"apiVersion": "v1", "kind": "Pod", "metadata": _named("leaves")})
    until(lambda: not cluster.pod("leaves"), "it is gone", 5)
    with cluster.sandbox.control() as control:
        assert not any(uid in name for name in control.status()["pods"])
    assert not (paths.of(NAME).folder / "pods" / uid).exists()


def test_an_image_without_a_program_waits_and_says_so(cluster: Cluster) -> None:
    spec = {"nodeName": "cluster1-n2", "containers": [{"name": "c", "image": "example.org/unknown:1"}]}
    cluster.client.create({"apiVersion": "v1", "kind": "Pod", "metadata": _named("unknown"), "spec": spec})
    until(
        lambda: cluster.container("unknown").get("state", {}).get("waiting", {}).get("reason") == "ImagePullBackOff",
        "it backs off",
    )
    waiting = cluster.container("unknown")["state"]["waiting"]
    assert 'the sandbox has no program for image "example.org/unknown:1"' in waiting["message"]
