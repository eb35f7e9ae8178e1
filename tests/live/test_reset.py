"""A classroom after a vandal: `reset` brings back what `up` left, and touches nothing that is fine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from meshctl.kube.client import Client
from meshctl.labs import journal, live
from meshctl.predict.outage import Outage
from meshctl.providers import choose
from meshctl.sandbox import delete
from meshctl.validate import find_topology

pytestmark = pytest.mark.live
NAME = "classroom"
SUFFIX = re.compile(r"-[0-9a-f]{8,10}-[a-z0-9]{5}")


@dataclass(frozen=True)
class School:
    """A whole mesh that is up."""

    clients: dict[str, Client]

    def pods(self) -> dict[str, str]:
        """Every pod of the mesh's namespaces with its uid, in all clusters."""
        return {
            f"{cluster}/{one['metadata']['name']}": one["metadata"]["uid"]
            for cluster, client in self.clients.items()
            for space in ("istio", "istio-system")
            for one in client.items(f"/api/v1/namespaces/{space}/pods")
        }

    def merge(self, cluster: str, where: str, **change: Any) -> None:
        """As `kubectl patch --type merge`."""
        self.clients[cluster]._ask(
            "PATCH", f"{where}?fieldManager=kubectl-patch", change, "application/merge-patch+json"
        )

    def add(self, version: str, kind: str, name: str, **more: Any) -> None:
        """As `kubectl apply` of something new, in istio of the primary."""
        manifest = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "istio"}, **more}
        group = "/apis/" if "/" in version else "/api/"
        where = f"{group}{version}/namespaces/istio/{kind.lower()}s?fieldManager=kubectl-create"
        self.clients["cluster1"]._ask("POST", where, manifest)


def meshctl(*words: str, check: bool = True) -> str:
    """What a command prints; it must succeed unless told otherwise."""
    command = [sys.executable, "-m", "meshctl", *words]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, env=dict(os.environ))
    assert not check or ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def status() -> Any:
    """What `status` says, without what differs from pod to pod."""
    deadline = time.monotonic() + 60
    while "27 of 27 proxies are synced" not in meshctl("status", check=False):
        assert time.monotonic() < deadline
    return _stripped(json.loads(meshctl("status", "-o", "json")))


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _stripped(one) for key, one in value.items() if key not in ("pid", "since", "istiod", "age")}
    if isinstance(value, list):
        return sorted((_stripped(one) for one in value), key=lambda one: json.dumps(one, sort_keys=True))
    return SUFFIX.sub("", value) if isinstance(value, str) else value


def await_gone(school: School, *pods: str) -> None:
    deadline = time.monotonic() + 60
    while [name for name in school.pods() if name.startswith(pods)]:
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture(scope="module")
def school(home: object) -> Iterator[School]:
    topology = find_topology(preset="classroom")
    try:
        meshctl("up")
        yield School({name: Client(one) for name, one in choose.provider(topology).forwarded().items()})
    finally:
        delete.delete(NAME)


def test_what_a_vandal_did_is_undone_and_the_rest_not_restarted(school: School) -> None:
    meshctl("reset")
    fresh, before = status(), school.pods()
    spaces = "/apis/apps/v1/namespaces/istio/deployments"
    for name in [one for one in before if one.startswith("cluster1/reviews")]:
        school.clients["cluster1"].remove(f"/api/v1/namespaces/istio/pods/{name.partition('/')[2]}")
    school.merge("cluster2", f"{spaces}/details-v1", spec={"replicas": 0})
    school.merge(
        "cluster3", "/apis/apps/v1/namespaces/istio-system/deployments/istio-egressgateway/scale", spec={"replicas": 0}
    )
    school.clients["cluster1"].remove(f"{spaces}/ratings-v1")
    school.merge(
        "cluster3", "/api/v1/nodes/cluster3-n3", metadata={"labels": {"topology.kubernetes.io/region": "mars"}}
    )
    school.merge("cluster2", "/api/v1/namespaces/istio", metadata={"labels": {"istio-injection": None}})
    school.merge("cluster1", "/api/v1/namespaces/istio/services/reviews", spec={"selector": {"version": "v9"}})
    school.merge(
        "cluster1", "/api/v1/namespaces/istio-system/secrets/istio-remote-secret-cluster2", data={"cluster2": "eA=="}
    )
    school.clients["cluster2"].remove("/api/v1/namespaces/istio-system/secrets/cacerts")
    school.add("networking.istio.io/v1beta1", "DestinationRule", "vandal", spec={"host": "reviews"})
    school.add("networking.istio.io/v1alpha3", "EnvoyFilter", "vandal", spec={})
    school.add("v1", "ConfigMap", "notes", data={"a": "b"})
    # Whoever goes while the cluster is cut off is missed by istiod after 40 s only.
    await_gone(school, "cluster2/details", "cluster3/istio-egressgateway")
    meshctl("fail", "cluster2", "cluster1-cluster3")

    foreseen = meshctl("reset", "--dry-run")
    undone = meshctl("reset")

    for line in (
        "outage cluster2",
        "DestinationRule istio/vandal",
        "EnvoyFilter istio/vandal",
        "ConfigMap istio/notes",
    ):
        assert f"- {line}" in foreseen
        assert f"- {line}" in undone
    assert status() == fresh
    after = school.pods()
    kept = [name for name in before if name.startswith(("cluster1/productpage", "cluster1/details", "cluster1/istiod"))]
    assert {name: after.get(name) for name in kept} == {name: before[name] for name in kept}


def test_a_lab_that_was_killed_leaves_no_failing_pods(school: School) -> None:
    topology = find_topology(preset="classroom")
    environment = live.live(topology, choose.provider(topology))
    outage = Outage("failing", "cluster1", "details")
    journal.note(environment, "failover", [outage])
    environment.fail(outage)
    assert _answer(school) == "500"

    told = meshctl("reset")

    assert "- fault failing/details@cluster1" in told
    assert "- ConfigMap istio/meshctl-lab" in told
    assert _answer(school) == "200"


def _answer(school: School) -> str:
    """The status with which details of cluster1 answers a request from beside it."""
    pod = next(name for name in school.pods() if name.startswith("cluster1/details-v1"))
    ask = "curl -s -o /dev/null -w %{http_code} 127.0.0.1:9080/details/0"
    return meshctl("exec", f"cluster1/istio/{pod.partition('/')[2]}", "--", *ask.split()).strip()


def test_a_second_reset_finds_nothing_of_anybody_else(school: School) -> None:
    told = json.loads(meshctl("reset", "-o", "json"))

    assert {
        step["name"]: step["changes"] for step in told["steps"] if step["name"] in ("outages", "objects", "fields")
    } == {
        "outages": {},
        "objects": {},
        "fields": {},
    }


def test_namespaces_of_others_are_left_alone_and_named(school: School) -> None:
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mine"}}
    school.clients["cluster1"].create(manifest)

    assert "left alone in cluster1: namespace mine" in meshctl("reset")
    assert school.clients["cluster1"].read("/api/v1/namespaces/mine")
    school.clients["cluster1"].delete(manifest)
