"""Pods come and go under load, and no request fails."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.live.machine import Machine
from tests.live.test_up import command

from .test_kubernetes import kubectl

pytestmark = pytest.mark.live

# At a few hundred a second; a soak goes on for minutes.
REQUESTS, MANY = 2000, 40_000
ROUND = (
    ("cluster1", "scale", "deployment/productpage-v1", "--replicas=2"),
    ("cluster1", "rollout", "restart", "deployment/details-v1", "deployment/reviews-v2"),
    ("cluster2", "rollout", "restart", "deployment/productpage-v1"),
    ("cluster1", "rollout", "status", "deployment/productpage-v1"),
    ("cluster1", "rollout", "restart", "deployment/productpage-v1"),
    ("cluster2", "rollout", "status", "deployment/productpage-v1"),
    ("cluster1", "rollout", "status", "deployment/productpage-v1"),
    ("cluster1", "scale", "deployment/productpage-v1", "--replicas=1"),
)


def test_scaling_and_restarts_under_load_fail_no_request(machine: Machine, soak: bool) -> None:
    words = ("traffic", "--requests", str(MANY if soak else REQUESTS), "--concurrency", "4", "-o", "json")
    load = machine.start(*command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    restart(machine)
    while soak and load.poll() is None:
        restart(machine)
    out, err = load.communicate(timeout=600)
    assert load.returncode == 0, err
    found = json.loads(out)
    assert found["outcomes"] == {"200": MANY if soak else REQUESTS}
    assert not any(hop["failures"] for hop in found["hops"]), found["hops"]


def restart(machine: Machine) -> None:
    for cluster, *words in ROUND:
        kubectl(machine, cluster, "-n", "istio", *words)
