"""Whatever dies in a mesh, the rest serves on and the dead comes back; a killed `up` is continued, and taken away."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from tests.live import machine as machines
from tests.live.machine import Machine
from tests.live.test_up import command, snapshot

from .command_line import PAGES, await_, meshctl, pages, url

pytestmark = pytest.mark.live

UP_SECONDS = 13.0
# By what a process calls itself or was called with, and the pod that it belongs to.
KINDS = {
    "sidecar": ("envoy", "productpage-v1", "cluster2"),
    "ingress gateway": ("envoy", "istio-ingressgateway", "cluster1"),
    "east-west gateway": ("envoy", "istio-eastwestgateway", "cluster2"),
    "application": ("meshctl.sandbox.bookinfo", "productpage-v1", "cluster3"),
    "control plane": ("meshctl.sandbox.xds", "istiod", "cluster1"),
    "API server": ("meshctl.sandbox.apiserver", "", "cluster1"),
    "remote API server": ("meshctl.sandbox.apiserver", "", "cluster3"),
    "controllers and node agents": ("meshctl.sandbox.controllers", "", "cluster2"),
}
SAMPLE = ("east-west gateway",)


def test_whatever_is_killed_comes_back_and_the_rest_serves_on(machine: Machine, soak: bool) -> None:
    page = url(machine)
    for kind in KINDS if soak else SAMPLE:
        before = processes(machine)
        kill(machine, *KINDS[kind])
        seen = pages(machine, page)
        # Nobody else is behind the one address of the ingress gateway, and a proxy says 503 for its application.
        allowed = {"ingress gateway": {"200", "000"}, "application": {"200", "503"}}.get(kind, {"200"})
        assert set(seen) <= allowed, kind
        await_(partial(is_as, machine, before))
        await_(lambda: meshctl(machine, "status").returncode == 0)
        assert pages(machine, page) == ["200"] * PAGES, kind


@pytest.mark.soak
def test_a_killed_up_is_continued_by_the_next_and_nothing_survives_down(tmp_path: Path) -> None:
    with machines.machine(tmp_path) as own:
        before = snapshot(own)
        for instant in [UP_SECONDS * (number + 0.6) / 20 for number in range(20)]:
            with own.start(*command("up"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as killed:
                time.sleep(instant)
                killed.kill()
            again = meshctl(own, "up")
            assert again.returncode == 0, f"killed after {instant:.2f} s: {again.stderr}"
            await_(lambda: "27 of 27 proxies are synced" in meshctl(own, "status").stdout)
            assert pages(own, url(own)) == ["200"] * PAGES
            assert meshctl(own, "down").returncode == 0
            assert snapshot(own) == before, f"killed after {instant:.2f} s"


def is_as(machine: Machine, before: Counter[str]) -> bool:
    return processes(machine) == before


def processes(machine: Machine) -> Counter[str]:
    """How many there are of each."""
    return Counter(machine.run("sh", "-c", "ps -eo args= | grep -v '^ps \\|^sh -c '").stdout.splitlines())


def kill(machine: Machine, program: str, pod: str, cluster: str) -> None:
    """SIGKILL to the one process; its environment names pod and cluster, or its arguments name the cluster."""
    found = [pid for pid in machine.run("pgrep", "-f", program).stdout.split() if is_of(machine, pid, pod, cluster)]
    (one,) = found
    machine.run("kill", "-KILL", one)


def is_of(machine: Machine, pid: str, pod: str, cluster: str) -> bool:
    words = machine.run("sh", "-c", f"cat /proc/{pid}/environ /proc/{pid}/cmdline 2>&1 | tr '\\0' '\\n'").stdout
    of_cluster = any(one in words for one in (f"={cluster}-n", f"CLUSTER_ID={cluster}\n"))
    return f"\nPOD_NAME={pod}" in words and of_cluster if pod else f"/{cluster}/" in words
