"""`meshctl up`, `plan`, `down` and `status` as a person types them, on a machine that is the test's own."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from meshctl.provision import STEPS
from meshctl.topology import node_routes
from meshctl.validate import find_topology
from tests.live.machine import Machine

pytestmark = pytest.mark.live

# The course's classroom (nodes 192.168.229.x; cluster2 and cluster3 share a network).
NODES = {
    "cluster1-n1": 137,
    "cluster1-n2": 138,
    "cluster1-n3": 139,
    "cluster2-n1": 140,
    "cluster2-n2": 141,
    "cluster2-n3": 142,
    "cluster3-n1": 143,
    "cluster3-n2": 144,
    "cluster3-n3": 145,
}
TO_CLUSTER3 = {
    "10.70.0.0/16 via 192.168.229.143",
    "172.22.0.0/24 via 192.168.229.144",
    "172.22.1.0/24 via 192.168.229.143",
    "172.22.2.0/24 via 192.168.229.145",
}
TO_CLUSTER2 = {
    "10.69.0.0/16 via 192.168.229.140",
    "172.21.0.0/24 via 192.168.229.141",
    "172.21.1.0/24 via 192.168.229.140",
    "172.21.2.0/24 via 192.168.229.142",
}
UP_SECONDS = 6.0
# All but the mesh, which takes longer than all else together; other modules build it.
BELOW = tuple(word for step in STEPS[: STEPS.index("istio")] for word in ("--only", step))


def command(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "meshctl", *arguments)


def meshctl(machine: Machine, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return machine.run(*command(*arguments), check=check)


def report(machine: Machine, *arguments: str) -> dict[str, list[str]]:
    """Lines of difference by host that `up` made or `plan` would make."""
    document = json.loads(meshctl(machine, *arguments, "-o", "json").stdout)
    assert not document["failed"], document
    found: dict[str, list[str]] = {}
    for step in document["steps"]:
        for host, lines in step["changes"].items():
            found.setdefault(host, []).extend(lines)
    return found


def on(machine: Machine, node: str, line: str, sandbox: str = "classroom") -> str:
    return at_once(machine, {node: line}, sandbox)[node]


def at_once(machine: Machine, lines: Mapping[str, str], sandbox: str = "classroom") -> dict[str, str]:
    """What a shell on each node prints, all of them side by side."""
    config = str(machine.home / "meshctl" / sandbox / "ssh_config")
    shells = {
        node: machine.start("ssh", "-F", config, node, line, stdout=-1, stderr=subprocess.STDOUT)
        for node, line in lines.items()
    }
    return {node: shell.communicate(timeout=60)[0] for node, shell in shells.items()}


def routes(machine: Machine, *nodes: str, sandbox: str = "classroom") -> list[set[str]]:
    """Each node's routes out of its cluster: not those of the kernel, nor those that the cluster itself makes."""
    said = at_once(machine, dict.fromkeys(nodes, "ip route"), sandbox)
    own = {
        node.name: [one for one in (cluster.pod_cidr, cluster.service_cidr) if one]
        for cluster, node in find_topology(preset=sandbox).nodes
    }
    lines = {
        node: [line.split()[:3] for line in said[node].splitlines() if "proto kernel" not in line] for node in nodes
    }
    return [
        {" ".join(words) for words in lines[node] if not any(IPv4Network(words[0]).subnet_of(one) for one in own[node])}
        for node in nodes
    ]


def look(machine: Machine) -> dict[str, Any]:
    """The state of all hosts, as the next command would find it."""
    status = json.loads(meshctl(machine, "status", "-o", "json", check=False).stdout)
    return {
        "status": status,
        "routes": {node: sorted(routes(machine, node)) for node in ("cluster2-n2", "cluster3-n3")},
    }


def snapshot(machine: Machine) -> Any:
    return machine.ask("snapshot", str(machine.home))


def instants(count: int, seed: int) -> list[float]:
    dice = random.Random(seed)
    return [UP_SECONDS * (number + dice.random()) / count for number in range(count)]


def kill_up_after(machine: Machine, seconds: float) -> None:
    """SIGKILL to the command alone: its worker and the supervisor have to cope by themselves."""
    with machine.start(*command("up", *BELOW), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(seconds)
        process.kill()


@contextmanager
def capture(machine: Machine) -> Iterator[None]:
    """No packet for a sandbox address leaves by the machine's own interface meanwhile."""
    with machine.start("sh", "-c", "exec cat /sys/class/net/eth0/statistics/tx_packets", stdout=-1) as before:
        sent = before.communicate()[0]
    yield
    after = machine.run("cat", "/sys/class/net/eth0/statistics/tx_packets").stdout
    assert after == sent


def test_the_classroom_is_built_and_a_second_up_changes_nothing(machine: Machine) -> None:
    with capture(machine):
        changed = report(machine, "up", *BELOW)
        assert {host for host in changed if host != "sandbox"} == set(NODES)
        facts = "hostname; ip -4 -o addr show eth0 | grep -v /32; cat /proc/sys/net/ipv4/ip_forward"
        for node, said in at_once(machine, dict.fromkeys(NODES, facts)).items():
            name, address, forward = said.splitlines()
            assert (name, forward) == (node, "1")
            assert f" 192.168.229.{NODES[node]}/24 " in address
        none: set[str] = set()
        assert routes(machine, *NODES) == [none] * 3 + [TO_CLUSTER3] * 3 + [TO_CLUSTER2] * 3
        assert report(machine, "up", *BELOW) == report(machine, "plan", *BELOW) == {}
        assert {host["routes"] for host in look(machine)["status"]["hosts"]} == {0, 4}


def test_packets_take_the_route_over_the_right_node_and_none_goes_between_networks(machine: Machine) -> None:
    meshctl(machine, "up", *BELOW)
    # 172.22.0.0/24 belongs to cluster3-n2: a pod's address on any other node is not found.
    at_once(
        machine,
        {
            "cluster3-n2": "ip addr add 172.22.0.7/32 dev lo",
            "cluster3-n1": "ip addr add 172.22.2.7/32 dev lo",
        },
    )
    # Nobody listens on port 9: a host that is reached refuses.
    reach = "timeout 2 bash -c 'echo > /dev/tcp/{0}/9' 2>&1 || echo status $?; ip route get {0}"
    found = on(machine, "cluster2-n1", reach.format("172.22.0.7"))
    assert "Connection refused" in found
    assert "via 192.168.229.144" in found
    assert "Connection refused" not in on(machine, "cluster2-n1", reach.format("172.22.2.7"))
    assert "unreachable" in on(machine, "cluster1-n1", reach.format("172.22.0.7"))


def test_plan_names_exactly_what_was_changed_by_hand_and_up_mends_exactly_that(machine: Machine) -> None:
    meshctl(machine, "up", *BELOW)
    at_once(
        machine,
        {
            "cluster2-n1": "ip route del 172.22.1.0/24",
            "cluster2-n2": "for to in 172.20.1.0/24 203.0.113.0/24; do ip route add $to via 192.168.229.137; done",
            "cluster3-n3": "echo 0 > /proc/sys/net/ipv4/ip_forward",
        },
    )
    expected = {
        "cluster2-n1": ["+ route 172.22.1.0/24 via 192.168.229.143"],
        "cluster2-n2": ["- route 172.20.1.0/24 via 192.168.229.137"],
        "cluster3-n3": ["- net.ipv4.ip_forward = 0", "+ net.ipv4.ip_forward = 1"],
    }
    assert report(machine, "plan", *BELOW) == expected
    assert routes(machine, "cluster2-n1") == [TO_CLUSTER3 - {"172.22.1.0/24 via 192.168.229.143"}]
    assert report(machine, "up", *BELOW) == expected
    assert report(machine, "plan", *BELOW) == {}
    assert routes(machine, "cluster2-n2") == [TO_CLUSTER3 | {"203.0.113.0/24 via 192.168.229.137"}]


def test_only_and_from_limit_the_steps(machine: Machine) -> None:
    meshctl(machine, "up", "--only", "hosts", "--only", "kubernetes")
    assert routes(machine, "cluster2-n1") == [set()]
    assert set(report(machine, "plan", "--only", "routes")) == {n for n in NODES if not n.startswith("cluster1")}
    meshctl(machine, "up", "--only", "routes")
    assert routes(machine, "cluster2-n1") == [TO_CLUSTER3]
    planned = json.loads(meshctl(machine, "plan", "--from", "exposure", "-o", "json").stdout)
    assert [step["name"] for step in planned["steps"]][1:] == list(STEPS[STEPS.index("exposure") :])
    refused = meshctl(machine, "up", "--only", "roads", check=False)
    assert (refused.returncode, "step roads is unknown" in refused.stderr) == (2, True)


def test_five_clusters_on_three_networks_work_the_same(machine: Machine) -> None:
    meshctl(machine, "up", "--preset", "five-clusters", *BELOW)
    topology = find_topology(preset="five-clusters")
    wanted = {c.nodes[-1].name: {str(route) for route in node_routes(topology, c)} for c in topology.clusters}
    assert routes(machine, *wanted, sandbox="five-clusters") == list(wanted.values())
    assert report(machine, "up", "--preset", "five-clusters", *BELOW) == {}


def test_one_writer_at_a_time(machine: Machine) -> None:
    with machine.start(*command("up", *BELOW), stdout=-1, stderr=-1) as first:
        lock = machine.home / "meshctl" / "classroom.lock"
        while not (lock.exists() and lock.read_text()):
            time.sleep(0.005)
        second = meshctl(machine, "up", *BELOW, check=False)
        assert second.returncode == 2
        assert "`meshctl up` (pid" in second.stderr
        assert first.wait(60) == 0
        first.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_up_is_continued(machine: Machine, number: signal.Signals) -> None:
    # Whoever starts the tests in the background has them ignore SIGINT, and a program keeps what is ignored.
    with machine.start("env", "--default-signal=INT", *command("up", *BELOW), stdout=-1, stderr=-1) as process:
        while not (machine.home / "meshctl" / "classroom").exists():
            time.sleep(0.005)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "`meshctl up` continues" in errors
    assert "Traceback" not in errors
    meshctl(machine, "up", *BELOW)
    assert report(machine, "plan", *BELOW) == {}


def test_steps_without_their_hosts_are_refused(machine: Machine) -> None:
    for verb in ("up", "plan"):
        refused = meshctl(machine, verb, "--only", "routes", check=False)
        assert refused.returncode == 2
        assert "the sandbox classroom is not up; `meshctl up` builds it" in refused.stderr
    planned = meshctl(machine, "plan", *BELOW).stdout
    assert "then kubernetes, certificates, host-settings, routes, node-labels" in planned


def test_pyinfra_alone_runs_a_deploy(machine: Machine) -> None:
    meshctl(machine, "up", "--only", "hosts")
    program = str(Path(sys.executable).with_name("pyinfra"))
    machine.run(program, "-y", "inventories/sandbox.py", "deploys/routes.py", "--dry")
    assert routes(machine, "cluster2-n1") == [set()]
    machine.run(program, "-y", "inventories/sandbox.py", "deploys/routes.py")
    assert routes(machine, "cluster2-n1") == [TO_CLUSTER3]


def test_a_killed_up_is_continued_by_the_next(machine: Machine, soak: bool) -> None:
    meshctl(machine, "up", *BELOW)
    undisturbed = look(machine)
    assert {cluster["secrets"] for cluster in undisturbed["status"]["clusters"]} == {"ready"}
    for instant in instants(50 if soak else 1, seed=1):
        meshctl(machine, "down")
        kill_up_after(machine, instant)
        meshctl(machine, "up", *BELOW)
        assert look(machine) == undisturbed, f"killed after {instant:.3f} s"
        assert report(machine, "up", *BELOW) == {}, f"killed after {instant:.3f} s"


def test_a_killed_up_is_cleared_by_down(machine: Machine, soak: bool) -> None:
    before = snapshot(machine)
    for instant in instants(20 if soak else 1, seed=2):
        with capture(machine):
            kill_up_after(machine, instant)
            meshctl(machine, "down")
        assert snapshot(machine) == before, f"killed after {instant:.3f} s"


def test_down_twice_and_without_anything(machine: Machine) -> None:
    before = snapshot(machine)
    assert "was not up" in meshctl(machine, "down").stdout
    meshctl(machine, "up", *BELOW)
    assert "is down" in meshctl(machine, "down").stdout
    assert "was not up" in meshctl(machine, "down").stdout
    assert snapshot(machine) == before
