"""The machine under the sandbox: nothing of it changes, nothing stays, nothing leaves it, whatever is killed when."""

from __future__ import annotations

import difflib
import json
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from meshctl.topology import Topology
from meshctl.validate import find_topology
from tests.live.machine import Machine

pytestmark = pytest.mark.live

NAME = "classroom"
# The classroom takes less than this from nothing to ready; kills are spread over it.
SECONDS = 1.5


def sandbox_networks(topology: Topology) -> list[IPv4Network]:
    cidrs = [cidr for cluster in topology.clusters for cidr in (cluster.pod_cidr, cluster.service_cidr) if cidr]
    return [topology.node_network, *cidrs]


@contextmanager
def watched(machine: Machine) -> Iterator[None]:
    """No packet of a sandbox address is seen on any interface of the machine."""
    networks = map(str, sandbox_networks(find_topology(preset="classroom")))
    with machine.python("capture", *networks, stdin=-1, stdout=-1) as capture:
        assert capture.stdout is not None
        assert capture.stdout.readline() == "watching\n"
        yield
        seen, _ = capture.communicate(timeout=20)
        assert seen == ""


def shot(machine: Machine) -> Any:
    return machine.ask("snapshot", str(machine.home))


def test_the_capture_would_see_a_packet(machine: Machine) -> None:
    with pytest.raises(AssertionError, match=r"0x0800 192\.168\.229\.137"), watched(machine):
        machine.run("sh", "-c", "exec 3<>/dev/udp/192.168.229.137/9 && echo x >&3 || true", check=False)
        machine.run("python3", "-c", "import socket; socket.socket(2, 2).sendto(b'x', ('192.168.229.137', 9))")


def test_after_up_and_down_the_machine_is_as_before(machine: Machine) -> None:
    before = shot(machine)
    network = ("addresses", "bridges", "routes", "routes6", "rules", "firewall", "settings", "etc", "mounts")
    with watched(machine):
        assert len(machine.ask("drive", "up", NAME)) == 9
        during = shot(machine)
        assert {key: during[key] for key in network} == {key: before[key] for key in network}
        assert len(machine.ask("drive", "look", NAME)["said"]) == 9
        assert machine.ask("drive", "down", NAME) is True
        assert difference(shot(machine), before) == []
        assert machine.ask("drive", "down", NAME) is False
        assert difference(shot(machine), before) == []


def test_a_killed_up_is_continued_by_the_next(machine: Machine, soak: bool) -> None:
    machine.ask("drive", "up", NAME)
    undisturbed = machine.ask("drive", "look", NAME)
    for instant in instants(50 if soak else 1):
        machine.ask("drive", "down", NAME)
        with watched(machine):
            kill_up_after(machine, instant)
            machine.ask("drive", "up", NAME)
            assert difference(machine.ask("drive", "look", NAME), undisturbed) == [], f"killed after {instant:.3f} s"
            assert machine.ask("drive", "up", NAME) == []


def test_a_killed_up_is_cleared_by_down(machine: Machine, soak: bool) -> None:
    before = shot(machine)
    for instant in instants(20 if soak else 1):
        with watched(machine):
            kill_up_after(machine, instant)
            machine.ask("drive", "down", NAME)
            assert difference(shot(machine), before) == [], f"killed after {instant:.3f} s"


def test_down_clears_what_a_killed_supervisor_left(machine: Machine, soak: bool) -> None:
    before = shot(machine)
    for instant in instants(10 if soak else 1):
        with watched(machine):
            with machine.python("drive", "up", NAME, stdout=-1, stderr=-1):
                time.sleep(instant)
                machine.run("sh", "-c", "pkill -KILL -of 'm meshctl[.]sandbox[.]supervisor'", check=False)
            machine.ask("drive", "down", NAME)
            assert difference(shot(machine), before) == [], f"killed after {instant:.3f} s"


def test_up_after_a_killed_supervisor_keeps_the_keys(machine: Machine) -> None:
    machine.ask("drive", "up", NAME)
    keys = known_hosts(machine)
    machine.run("pkill", "-KILL", "-of", "m meshctl[.]sandbox[.]supervisor")
    assert len(machine.ask("drive", "up", NAME)) == 9
    assert known_hosts(machine) == keys


def test_a_stopped_supervisor_is_replaced(machine: Machine) -> None:
    machine.ask("drive", "up", NAME)
    machine.run("pkill", "-STOP", "-of", "m meshctl[.]sandbox[.]supervisor")
    machine.ask("drive", "down", NAME)
    machine.ask("drive", "up", NAME)


def test_whatever_is_killed_inside_comes_back(machine: Machine, soak: bool) -> None:
    machine.ask("drive", "up", NAME)
    undisturbed = machine.ask("drive", "look", NAME)
    dice = random.Random(7)
    for _ in range(20 if soak else 2):
        inside = machine.run("pgrep", "-f", "sleep infinity|sshd -D").stdout.split()
        victim = dice.choice([pid for pid in inside if pid != "1"])
        machine.run("kill", "-KILL", victim)
        machine.ask("drive", "up", NAME)
        assert difference(machine.ask("drive", "look", NAME), undisturbed) == []


def test_a_second_sandbox_survives_the_first_ones_end(machine: Machine) -> None:
    machine.ask("drive", "up", "one")
    machine.ask("drive", "up", "two")
    machine.ask("drive", "down", "one")
    assert machine.ask("drive", "up", "two") == []
    assert len(machine.ask("drive", "look", "two")["said"]) == 9


def difference(now: Any, before: Any) -> list[str]:
    """The lines in which two states differ."""
    old, new = (json.dumps(state, indent=1).replace("\\n", "\n").splitlines() for state in (before, now))
    return [
        line for line in difflib.unified_diff(old, new, n=0, lineterm="") if not line.startswith(("---", "+++", "@@"))
    ]


def instants(count: int) -> list[float]:
    """Random instants of an `up`, spread over all of it; the same ones each time."""
    dice = random.Random(count)
    return [SECONDS * (number + dice.random()) / count for number in range(count)]


def kill_up_after(machine: Machine, seconds: float) -> None:
    with machine.python("drive", "up", NAME, stdout=-1, stderr=-1) as process:
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)


def known_hosts(machine: Machine) -> str:
    return Path(machine.home, "meshctl", NAME, "known_hosts").read_text()
