"""Where pods may go, and where they go best."""

from __future__ import annotations

from typing import Any

import pytest

from meshctl.sandbox.controllers.workloads import placement, victims

Object = dict[str, Any]
TAINT = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}


def node(name: str = "a", room: Object | None = None, **spec: Any) -> Object:
    labels = {"kubernetes.io/hostname": name, "zone": f"z-{name}", "cores": "8"}
    allocatable = room or {"cpu": "2", "memory": "4Gi", "pods": "3"}
    return {"metadata": {"name": name, "labels": labels}, "spec": spec, "status": {"allocatable": allocatable}}


def pod(name: str = "p", cpu: str = "0", owner: str = "", app: str = "web", **spec: Any) -> Object:
    container = {"name": "c", "resources": {"requests": {"cpu": cpu}}, "ports": spec.pop("ports", [])}
    owners = [{"kind": "ReplicaSet", "uid": owner, "controller": True}] if owner else []
    metadata = {"name": name, "namespace": "default", "labels": {"app": app}, "ownerReferences": owners}
    return {"metadata": metadata, "spec": {"containers": [container], **spec}}


def required(**term: Any) -> Object:
    terms = {"nodeSelectorTerms": [term]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


def apart(app: str) -> Object:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": "kubernetes.io/hostname"}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


@pytest.mark.parametrize(
    ("found", "place", "placed", "why"),
    [
        (pod(), node(), [], ""),
        (pod(), node(unschedulable=True), [], "node(s) were unschedulable"),
        (pod(tolerations=[{"operator": "Exists"}]), node(unschedulable=True), [], ""),
        (pod(), node(taints=[TAINT]), [], "node(s) had untolerated taint {dedicated: gpu}"),
        (pod(tolerations=[{"key": "dedicated", "value": "gpu"}]), node(taints=[TAINT]), [], ""),
        (pod(tolerations=[{"key": "dedicated", "value": "no"}]), node(taints=[TAINT]), [], "untolerated"),
        (pod(), node(taints=[{**TAINT, "effect": "PreferNoSchedule"}]), [], ""),
        (pod(nodeSelector={"zone": "z-b"}), node(), [], placement.MATCHING),
        (
            pod(affinity=required(matchExpressions=[{"key": "cores", "operator": "Gt", "values": ["4"]}])),
            node(),
            [],
            "",
        ),
        (
            pod(affinity=required(matchExpressions=[{"key": "zone", "operator": "NotIn", "values": ["z-a"]}])),
            *(node(), [], placement.MATCHING),
        ),
        (
            pod(affinity=required(matchFields=[{"key": "metadata.name", "operator": "In", "values": ["a"]}])),
            *(node(), [], ""),
        ),
        (pod(affinity=apart("web")), node(), [pod("other")], "anti-affinity"),
        (pod(affinity=apart("db")), node(), [pod("other")], ""),
        (pod(), node(), [pod("other", affinity=apart("web"))], "existing pods anti-affinity"),
        (pod(ports=[{"hostPort": 80}]), node(), [pod("other", ports=[{"hostPort": 80}])], "free ports"),
        (pod(cpu="1500m"), node(), [pod("other", cpu="500m")], ""),
        (pod(cpu="1600m"), node(), [pod("other", cpu="500m")], "Insufficient cpu"),
        (pod(), node(), [pod("1"), pod("2"), pod("3")], "Too many pods"),
    ],
)
def test_what_rules_a_node_out(found: Object, place: Object, placed: list[Object], why: str) -> None:
    said = placement.obstacle(found, place, placed)
    assert why in said if why else not said


def test_replicas_spread_first_then_their_application_then_all() -> None:
    nodes = [node("a"), node("b"), node("c")]
    placed = {"a": [pod("1", owner="x")], "b": [pod("2", owner="y")], "c": [pod("3", app="db"), pod("4", app="db")]}
    assert placement.best(pod(owner="x"), nodes, placed) == "c"
    assert placement.best(pod(owner="z", app="new"), nodes, placed) == "a"


def test_the_message_counts_reasons() -> None:
    said = placement.verdict(["Insufficient cpu", "node(s) were unschedulable", "Insufficient cpu"], 3)
    assert said.startswith("0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu. ")
    assert placement.verdict([], 0) == "no nodes available to schedule pods"


def test_who_goes_first() -> None:
    def replica(
        name: str, place: str, ready: str = "True", cost: str = "0", since: str = "2026-01-01T00:00:00Z"
    ) -> Object:
        found = pod(name, nodeName=place)
        found["metadata"] |= {"annotations": {victims.COST: cost}, "creationTimestamp": since}
        condition = {"type": "Ready", "status": ready, "lastTransitionTime": since}
        return {**found, "status": {"phase": "Running", "conditions": [condition]}}

    crowded = [replica("old", "a"), replica("new", "a", since="2026-01-01T00:00:09Z"), replica("alone", "b")]
    names = [one["metadata"]["name"] for one in victims.choose(crowded, crowded, 3)]
    assert names == ["new", "old", "alone"]
    odd = [*crowded, replica("cheap", "b", cost="-1"), replica("ill", "c", ready="False"), pod("homeless")]
    names = [one["metadata"]["name"] for one in victims.choose(odd, crowded, 3)]
    assert names == ["homeless", "ill", "cheap"]
