"""Pods of the sandbox: processes in network namespaces of their nodes, as kubectl shows them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.live import machine as machines
from tests.live.machine import Machine
from tests.live.test_kubernetes import kubectl, objects
from tests.live.test_up import meshctl, on, snapshot

pytestmark = pytest.mark.live

CLUSTER, NODE = "cluster2", "cluster2-n2"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machines.machine(tmp_path_factory.mktemp("machine")) as one:
        meshctl(one, "up", "--only", "hosts", "--only", "kubernetes")
        yield one


def pod(name: str, image: str, node: str = NODE, **container: Any) -> dict[str, Any]:
    spec = {"nodeName": node, "containers": [{"name": "main", "image": image, **container}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def apply(machine: Machine, *manifests: Any) -> None:
    path = machine.home / "manifests.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)}))
    kubectl(machine, CLUSTER, "apply", "-f", str(path))


def seen(machine: Machine, name: str) -> Any:
    found = objects(machine, CLUSTER, "pod", name)["status"]
    return {**found, "main": (found.get("containerStatuses") or [{}])[0]}


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def reasons(machine: Machine, name: str) -> set[str]:
    events = objects(machine, CLUSTER, "events", "--field-selector", f"involvedObject.name={name}")["items"]
    return {one["reason"] for one in events}


def test_bookinfo_answers_on_the_pods_address(built: Machine) -> None:
    probe: dict[str, Any] = {"readinessProbe": {"httpGet": {"path": "/health", "port": 9080}, "periodSeconds": 1}}
    apply(built, pod("details", "docker.io/istio/examples-bookinfo-details-v1:1.20.2", **probe))
    kubectl(built, CLUSTER, "wait", "--for=condition=Ready", "pod/details", "--timeout=30s")
    status = seen(built, "details")
    assert (status["phase"], status["hostIP"]) == ("Running", "192.168.229.141")
    assert status["podIP"].startswith("172.21.0.")
    assert json.loads(on(built, NODE, f"curl -s http://{status['podIP']}:9080/details/0"))["id"] == 0
    assert "listens on port 9080" in kubectl(built, CLUSTER, "logs", "details")
    until(lambda: reasons(built, "details") >= {"Pulled", "Created", "Started"})
    kubectl(built, CLUSTER, "delete", "pod", "details")
    assert status["podIP"] not in on(built, NODE, "ip route")


def test_a_container_that_ends_is_started_again_and_keeps_its_last_words(built: Machine) -> None:
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "words"}, "data": {"word": "hello"}}
    reference = {"configMapKeyRef": {"name": "words", "key": "word"}}
    shell = pod(
        "shell",
        "busybox",
        command=["sh", "-c", 'echo "$WORD from $NAME"; exit 3'],
        env=[
            {"name": "WORD", "valueFrom": reference},
            {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
    )
    apply(built, settings, shell)
    until(lambda: seen(built, "shell")["main"].get("restartCount", 0) >= 1)
    last = seen(built, "shell")["main"]["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"]) == (3, "Error")
    until(lambda: "hello from shell" in kubectl(built, CLUSTER, "logs", "shell", "--previous"))
    kubectl(built, CLUSTER, "delete", "pod", "shell", "--force", "--grace-period=0")


def test_an_image_without_a_program_is_named(built: Machine) -> None:
    apply(built, pod("stranger", "example.org/stranger:1"))
    waiting = ("ErrImagePull", "ImagePullBackOff")
    until(lambda: seen(built, "stranger")["main"].get("state", {}).get("waiting", {}).get("reason") in waiting)
    said = objects(built, CLUSTER, "events", "--field-selector", "involvedObject.name=stranger")["items"]
    assert any('the sandbox has no program for image "example.org/stranger:1"' in one["message"] for one in said)
    kubectl(built, CLUSTER, "delete", "pod", "stranger")


def test_pods_survive_their_agents_death(built: Machine) -> None:
    apply(built, pod("steady", "busybox", command=["sleep", "1000"]))
    kubectl(built, CLUSTER, "wait", "--for=condition=Ready", "pod/steady", "--timeout=30s")
    before = seen(built, "steady")
    kill = f"from meshctl.sandbox import control; control.connect('classroom').signal('controllers-{CLUSTER}', 9)"
    built.run(sys.executable, "-c", kill)
    apply(built, pod("newcomer", "busybox", command=["sleep", "1000"]))
    kubectl(built, CLUSTER, "wait", "--for=condition=Ready", "pod/newcomer", "--timeout=30s")
    after = seen(built, "steady")
    assert (after["podIP"], after["main"]["containerID"]) == (before["podIP"], before["main"]["containerID"])
    assert after["main"]["restartCount"] == 0
    assert seen(built, "newcomer")["podIP"] != after["podIP"]


def test_nothing_of_a_pod_survives_down(machine: Machine) -> None:
    before = snapshot(machine)
    meshctl(machine, "up", "--only", "hosts", "--only", "kubernetes")
    apply(machine, pod("left", "busybox", command=["sleep", "1000"]))
    kubectl(machine, CLUSTER, "wait", "--for=condition=Ready", "pod/left", "--timeout=30s")
    meshctl(machine, "down")
    (machine.home / "kubeconfig").unlink()
    (machine.home / "manifests.json").unlink()
    assert snapshot(machine) == before
