"""`meshctl lab` on a live classroom: what the model says is what real Envoys do, and nothing stays behind."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import Any

import pytest

from tests.live.machine import Machine
from tests.live.test_up import command

from .command_line import SECONDS, meshctl

pytestmark = pytest.mark.live

SOAK_RUNS = 20


def played(machine: Machine, *arguments: str) -> dict[str, Any]:
    ended = meshctl(machine, "lab", "run", *arguments, "-o", "json")
    assert ended.stdout, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    wrong = [act for act in found["acts"] if act["verdict"] != "passed"]
    assert not wrong, json.dumps(wrong, indent=1)
    assert ended.returncode == 0
    return found


def traces(machine: Machine) -> list[str]:
    return list(json.loads(meshctl(machine, "lab", "clean", "-o", "json").stdout)["removed"])


def test_labs_show_what_the_model_says(machine: Machine, soak: bool) -> None:
    for _ in range(SOAK_RUNS if soak else 0):
        played(machine, "--all")
    played(machine, "distribute", "--act", "course")
    played(machine, "failover", "--act", "local-failing", "--act", "both-gone", "--act", "near-back")
    assert traces(machine) == []


def test_a_weight_five_points_off_fails(machine: Machine) -> None:
    with machine.python("mesh.uneven_lab", stdout=-1) as process:
        out, _ = process.communicate(timeout=SECONDS)
    verdicts = json.loads(out)
    assert verdicts["endpoint tables of productpage"] == "failed"
    assert verdicts["endpoints chosen by the ingress gateway"] == "failed"


def states(machine: Machine) -> dict[str, str]:
    return {row["name"]: row["state"] for row in json.loads(meshctl(machine, "lab", "list", "-o", "json").stdout)}


def begun(machine: Machine, *arguments: str) -> subprocess.Popen[str]:
    """A run whose rule is in the mesh."""
    # Whoever starts the tests in the background has them ignore SIGINT, and a program keeps what is ignored.
    run = ("env", "--default-signal=INT", *command("lab", "run", *arguments))
    running = machine.start(*run, stdout=-1, stderr=-1)
    while states(machine)[arguments[0]] != "in the mesh":
        assert running.poll() is None, running.communicate()
    return running


def test_a_killed_lab_is_cleared_up_by_the_next_command(machine: Machine) -> None:
    running = begun(machine, "failover", "--act", "both-gone")
    running.kill()
    running.communicate()
    assert any(line.startswith("- DestinationRule istio/failover") for line in traces(machine))
    assert traces(machine) == []
    played(machine, "failover", "--act", "course")


def test_two_labs_at_once_are_refused_and_ctrl_c_clears_up(machine: Machine) -> None:
    running = begun(machine, "distribute")
    second = meshctl(machine, "lab", "run", "failover")
    assert (second.returncode, "`meshctl lab run`" in second.stderr) == (2, True)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=120)
    assert running.returncode == 128 + signal.SIGINT
    assert traces(machine) == []


def test_a_kept_lab_stays_until_it_is_cleared_up(machine: Machine) -> None:
    ended = meshctl(machine, "lab", "run", "failover", "--act", "course", "--keep")
    assert ended.returncode == 0, ended.stderr
    assert states(machine)["failover"] == "in the mesh"
    assert traces(machine) == ["- DestinationRule istio/failover"]
    assert states(machine)["failover"] == "ready"
