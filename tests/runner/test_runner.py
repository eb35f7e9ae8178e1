"""The worker against real sshd: what is planned is applied, and one host's trouble is told and stays its own."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from meshctl.provision import project_folder
from meshctl.runner.process import run
from meshctl.runner.request import APPLY, PLAN, Event, Request, Step, Target

from .conftest import Rig

pytestmark = pytest.mark.live

HOPS = {"a": "10.77.0.3", "b": "10.77.0.2"}


def request(rig: Rig, mode: str, **spoilt: dict[str, Any]) -> Request:
    targets = [Target(name, {**_data(rig, name), **spoilt.get(name, {})}) for name in rig.hosts]
    folder = project_folder("deploys")
    steps = [Step(name, str(folder / f"{name}.py"), tuple(rig.hosts)) for name in ("host_settings", "routes")]
    return Request(mode, tuple(targets), tuple(steps), connect_timeout_s=3)


def _data(rig: Rig, name: str) -> dict[str, Any]:
    return {
        "ssh_hostname": rig.hosts[name].address,
        "ssh_user": "root",
        "ssh_key": str(rig.folder / "user_key"),
        "ssh_known_hosts_file": str(rig.folder / "known_hosts"),
        "ssh_strict_host_key_checking": "yes",
        "sysctls": {"net.ipv4.ip_forward": "1"},
        "topology": "rig",
        "neighbours": [
            {"access": None, "services": {}, "nodes": {"c": HOPS[name]}, "pods": {"c": "172.22.1.0/24"}},
        ],
        "mesh_cidrs": ["172.22.0.0/16"],
    }


def changes(events: list[Event]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for event in events:
        if event.diff:
            found.setdefault(event.host, []).extend(event.diff)
    return found


def trouble(events: list[Event]) -> dict[str, str]:
    return {event.host: event.message for event in events if event.kind in ("unreachable", "failed", "lost")}


def apply(rig: Rig, **spoilt: dict[str, Any]) -> list[Event]:
    return list(run(request(rig, APPLY, **spoilt), rig.prefix))


def test_a_plan_changes_nothing_and_is_what_is_applied(rig: Rig) -> None:
    planned = changes(list(run(request(rig, PLAN), rig.prefix)))
    assert rig.hosts["a"].routes() == set()
    assert changes(apply(rig)) == planned
    assert planned["a"][-1] == "+ route 172.22.1.0/24 via 10.77.0.3"
    assert rig.hosts["a"].routes() == {"172.22.1.0/24 via 10.77.0.3"}
    assert changes(apply(rig)) == {}


def test_exactly_what_was_changed_by_hand_is_mended(rig: Rig) -> None:
    apply(rig)
    host = rig.hosts["a"]
    host.run("ip", "route", "replace", "172.22.1.0/24", "via", "10.77.0.9")
    host.run("ip", "route", "add", "172.22.9.0/24", "via", "10.77.0.9")
    host.run("ip", "route", "add", "203.0.113.0/24", "via", "10.77.0.9")
    rig.hosts["b"].run("sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward")
    assert changes(apply(rig)) == {
        "a": [
            "- route 172.22.9.0/24 via 10.77.0.9",
            "- route 172.22.1.0/24 via 10.77.0.9",
            "+ route 172.22.1.0/24 via 10.77.0.3",
        ],
        "b": ["- net.ipv4.ip_forward = 0", "+ net.ipv4.ip_forward = 1"],
    }
    assert host.routes() == {"172.22.1.0/24 via 10.77.0.3", "203.0.113.0/24 via 10.77.0.9"}


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        ({"ssh_key": "other_key"}, "refuses the login; check user and keyFile"),
        ({"ssh_key": "no_such_key"}, "check keyFile"),
        ({"ssh_known_hosts_file": "strange_hosts"}, "host key of 10.77.0.3 has changed"),
        ({"ssh_known_hosts_file": "empty"}, "host key of 10.77.0.3 is unknown"),
        ({"ssh_port": 2222}, "refuses the connection; is sshd running"),
        ({"ssh_hostname": "10.77.0.99"}, "is the host up"),
    ],
)
def test_one_unreachable_host_is_explained_and_the_other_is_done(rig: Rig, spoilt: dict[str, Any], words: str) -> None:
    (rig.folder / "empty").write_text("")
    other = " ".join((rig.folder / "other_key.pub").read_text().split()[:2])
    (rig.folder / "strange_hosts").write_text(f"10.77.0.3 {other}\n")
    paths = {
        key: str(rig.folder / value) for key, value in spoilt.items() if key in ("ssh_key", "ssh_known_hosts_file")
    }
    events = apply(rig, b={**spoilt, **paths})
    assert list(trouble(events)) == ["b"]
    assert words in trouble(events)["b"]
    assert rig.hosts["a"].routes() == {"172.22.1.0/24 via 10.77.0.3"}
    assert rig.hosts["b"].routes() == set()


def test_a_host_lost_in_an_operation_is_left_out_and_continued_later(rig: Rig, tmp_path: Path) -> None:
    gate = tmp_path / "gate.py"
    flag = tmp_path / "reached"
    gate.write_text(
        "from pyinfra import host\nfrom pyinfra.operations import server\n"
        f"server.shell(name='Gate', commands=['touch {flag}; sleep 8' if host.name == 'b' else 'true'])\n"
    )
    wanted = request(rig, APPLY)
    steps = (Step("gate", str(gate), ("a", "b")), *wanted.steps)
    events: list[Event] = []
    lost = Request(APPLY, wanted.targets, steps, 3)
    thread = threading.Thread(target=lambda: events.extend(run(lost, rig.prefix)))
    thread.start()
    while not flag.exists() and thread.is_alive():
        thread.join(0.02)
    rig.hosts["b"].run("sh", "-c", "kill -9 $(ss -Hltnp 'sport = :22' | grep -o 'pid=[0-9]*' | cut -d= -f2)")
    rig.hosts["b"].run("ss", "-K", "dst", "10.77.0.1")
    thread.join(60)
    assert "connection to 10.77.0.3 was lost" in trouble(events)["b"]
    assert rig.hosts["a"].routes() == {"172.22.1.0/24 via 10.77.0.3"}
    rig.start_sshd(rig.hosts["b"])
    assert trouble(apply(rig)) == {}
    assert rig.hosts["b"].routes() == {"172.22.1.0/24 via 10.77.0.2"}


def test_a_full_disk_is_named(rig: Rig) -> None:
    rig.hosts["b"].run("mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=2", "none", "/etc/sysctl.d")
    rig.hosts["b"].run("sh", "-c", "touch /etc/sysctl.d/full")
    events = apply(rig)
    assert "No space left on device" in trouble(events)["b"]
    assert rig.hosts["a"].routes() == {"172.22.1.0/24 via 10.77.0.3"}


def test_a_dead_worker_is_told(rig: Rig) -> None:
    (event,) = run(request(rig, PLAN), ("sh", "-c", "echo gone >&2; exit 7"))
    assert (event.kind, event.message) == ("lost", "the worker ended with status 7: gone")


def test_nothing_comes_after_a_vital_step_that_failed_on_one_host(rig: Rig) -> None:
    asked = request(rig, APPLY, a={"ssh_key": "/nonexistent"})
    vital = replace(asked.steps[0], vital=True)
    events = list(run(replace(asked, steps=(vital, *asked.steps[1:])), rig.prefix))
    assert [event.step for event in events if event.kind == "step"] == ["host_settings"]
    assert set(trouble(events)) == {"a"}
