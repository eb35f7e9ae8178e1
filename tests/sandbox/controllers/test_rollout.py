"""Sizes of ReplicaSets (Kubernetes 1.31 pkg/controller/deployment)."""

from __future__ import annotations

from typing import Any

import pytest

from meshctl.sandbox.controllers.workloads import rollout
from meshctl.sandbox.controllers.workloads.rollout import Limits

Object = dict[str, Any]


def deployment(replicas: int, **rolling: Any) -> Object:
    return {"spec": {"replicas": replicas, "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}}


def replica_set(name: str, replicas: int, available: int = 0, most: int = 0, age: int = 0) -> Object:
    annotations = {"deployment.kubernetes.io/max-replicas": str(most)} if most else {}
    born = f"2026-01-01T00:00:{59 - age:02}Z"
    metadata = {"name": name, "annotations": annotations, "creationTimestamp": born}
    return {"metadata": metadata, "spec": {"replicas": replicas}, "status": {"availableReplicas": available}}


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "most", "least"),
    [
        (10, "25%", "25%", 13, 8),
        (1, "25%", "25%", 2, 1),
        (3, 0, 1, 3, 2),
        (4, "0%", "0%", 4, 3),
        (2, 1, 5, 3, 0),
        (0, "25%", "25%", 0, 0),
    ],
)
def test_limits(replicas: int, surge: object, unavailable: object, most: int, least: int) -> None:
    found = rollout.limits(deployment(replicas, maxSurge=surge, maxUnavailable=unavailable))
    assert (found.most if replicas else 0, found.least) == (most, least)


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        # A new ReplicaSet grows into what surge leaves, never beyond the Deployment's size.
        (0, 10, 3),
        (3, 10, 3),
        (8, 3, 10),
        (12, 0, 10),
    ],
)
def test_the_current_one_grows(new: int, old: int, expected: int) -> None:
    current = replica_set("new", new)
    assert rollout.grown(current, [current, replica_set("old", old)], Limits(10, 3, 2)) == expected


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        # Replicas that aren't available go first, whatever is new.
        ((3, 0), (10, 8), {"old": 8}),
        # The more is new and available, the less is old.
        ((3, 3), (10, 10), {"old": 5}),
        ((3, 0), (10, 10), {"old": 8}),
        # Nothing to spare.
        ((3, 0), (8, 8), {}),
        ((10, 10), (2, 2), {"old": 0}),
    ],
)
def test_old_ones_shrink(new: tuple[int, int], old: tuple[int, int], expected: dict[str, int]) -> None:
    shrunk = rollout.shrunk(replica_set("new", *new), [replica_set("old", *old)], Limits(10, 3, 2))
    assert shrunk == expected


def test_what_is_scaled_in_a_rollout_keeps_its_proportions() -> None:
    new, old = replica_set("new", 4, most=13), replica_set("old", 9, most=13, age=9)
    assert rollout.scaled([new, old], new, Limits(20, 5, 5)) == {"new": 8, "old": 17}
    assert rollout.scaled([new, old], new, Limits(5, 2, 1)) == {"new": 2, "old": 5}
    assert rollout.scaled([new, old], new, Limits(0, 0, 0)) == {"new": 0, "old": 0}


def test_a_lone_one_gets_all() -> None:
    new = replica_set("new", 4)
    assert rollout.scaled([new, replica_set("old", 0)], new, Limits(7, 2, 1)) == {"new": 7}
