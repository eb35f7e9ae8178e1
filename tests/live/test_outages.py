"""Outages between real hosts and pods: packets vanish, or come late, or some of them do; healing leaves no trace."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from meshctl import outages
from meshctl.outages import Outage, actions, nodes, targets
from meshctl.outages.rules import Place
from meshctl.providers.sandbox import SandboxProvider
from meshctl.sandbox import control, create, delete, paths
from meshctl.sandbox.wire import Pod, Program
from meshctl.topology import Node, Topology, node_pod_cidrs
from meshctl.validate import find_topology
from tests.live.test_pods import until

pytestmark = pytest.mark.live
NAME = "outages"
NODES = {"cluster1": 1, "cluster2": 2, "cluster3": 1}
SERVE = """
import socket, sys, threading
def answer(peer):
    with peer:
        peer.sendall(b"x" * int(peer.recv(20) or b"1"))
def listen(port):
    server = socket.create_server(("", port))
    while True:
        threading.Thread(target=answer, args=server.accept()[:1]).start()
def echo():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("", 8080))
    while True:
        server.sendto(*server.recvfrom(100))
threads = [threading.Thread(target=listen, args=(port,)) for port in (8080, 6443)] + [threading.Thread(target=echo)]
[one.start() for one in threads]
"""
ASK = """
import socket, sys
host, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
try:
    with socket.create_connection((host, port), 1.5) as peer:
        peer.settimeout(10)
        peer.sendall(b"%d" % size)
        print(sum(iter(lambda: len(peer.recv(65536)), 0)))
except (TimeoutError, OSError) as error:
    print("timeout" if isinstance(error, TimeoutError) else error)
"""
PING = """
import select, socket, sys, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.connect((sys.argv[1], 8080))
count, sent, trips = int(sys.argv[2]), {}, []
def hear(seconds):
    while len(trips) < count and select.select([sock], [], [], seconds)[0]:
        trips.append(time.monotonic() - sent[int(sock.recv(100))])
for number in range(count):
    sent[number] = time.monotonic()
    sock.send(b"%d" % number)
    hear(0.002)
hear(2)
print(1 - len(trips) / count, min(trips, default=0) * 1000)
"""


@dataclass(frozen=True)
class Rig:
    """Three clusters, one of them of two nodes, each node with a pod; all serve on 8080 and 6443."""

    topology: Topology
    provider: SandboxProvider
    pods: dict[str, Pod]

    def address(self, name: str) -> str:
        """Of a node or a pod."""
        nodes = {node.name: str(node.address) for _, node in self.topology.nodes}
        return nodes.get(name) or self.pods[name].address

    def run(self, place: str, *argv: str) -> str:
        """What a command prints on a node, in a pod, or, for an empty name, in the fabric."""
        with control.connect(NAME) as sandbox:
            if place in self.pods:
                return sandbox.run(argv, node=self.pods[place].node, pod=place)
            return sandbox.run(argv, node=place)

    def ask(self, client: str, server: str, port: int = 8080, size: int = 1) -> str:
        """What a client gets: the size of the answer, `timeout`, or why it was refused."""
        return self.run(client, sys.executable, "-c", ASK, self.address(server), str(port), str(size)).strip()

    def ping(self, client: str, server: str, count: int) -> tuple[float, float]:
        """Loss as a share, and the quickest round trip in milliseconds."""
        told = self.run(client, sys.executable, "-c", PING, self.address(server), str(count))
        loss, quickest = map(float, told.split())
        return loss, quickest

    def fail(self, *words: str, delay: int = 0, loss: int = 0) -> None:
        """Fail what the topology knows."""
        outages.fail(self.topology, self.provider, outages.named(self.topology, self.provider, words, delay, loss))

    def heal(self) -> None:
        """Mend everything."""
        outages.heal(self.topology, self.provider)

    def traces(self) -> list[str]:
        """What outages have left in the kernels and among the programs."""
        look = "nft list tables | grep outage; ip -o link | grep -o ' outage[^:]*'; true"
        found = [
            f"{node.name}: {said}" for _, node in self.topology.nodes if (said := self.run(node.name, "sh", "-c", look))
        ]
        with control.connect(NAME) as sandbox:
            return found + [one["name"] for one in sandbox.status()["programs"] if "outage" in one["name"]]


def _topology() -> Topology:
    whole = find_topology(preset="classroom")
    clusters = tuple(replace(one, nodes=one.nodes[: NODES[one.name]]) for one in whole.clusters)
    return replace(whole, name=NAME, clusters=clusters)


@pytest.fixture(scope="module")
def built(home: Path) -> Iterator[Rig]:
    topology = _topology()
    try:
        create.create(topology, NAME)
        pods = dict(_pods(topology))
        _wire(topology, pods)
        yield Rig(topology, SandboxProvider(topology), pods)
    finally:
        delete.delete(NAME)


@pytest.fixture
def rig(built: Rig) -> Iterator[Rig]:
    yield built
    built.heal()


def _pods(topology: Topology) -> Iterator[tuple[str, Pod]]:
    """One on each node, and another beside the first of cluster2."""
    for cluster in topology.clusters:
        for node in cluster.nodes:
            base = node_pod_cidrs(cluster)[node.name].network_address
            names = [f"pod-{node.name}", *(["beside"] if node.name == "cluster2-n1" else [])]
            for number, name in enumerate(names):
                yield name, Pod(name, node.name, str(base + 2 + number))


def _wire(topology: Topology, pods: dict[str, Pod]) -> None:
    with control.connect(NAME) as sandbox:
        for pod in pods.values():
            sandbox.add_pod(pod)
        cidrs = {node.name: node_pod_cidrs(cluster)[node.name] for cluster, node in topology.nodes}
        for _, node in topology.nodes:
            ways = [
                f"ip route replace {cidrs[other.name]} via {other.address}"
                for _, other in topology.nodes
                if other != node
            ]
            sandbox.run(["sh", "-ec", "; ".join(["sysctl -qw net.ipv4.ip_forward=1", *ways])], node=node.name)
        for name in [*(node.name for _, node in topology.nodes), *pods]:
            place: dict[str, Any] = {"node": pods[name].node, "pod": name} if name in pods else {"node": name}
            sandbox.spawn(Program(f"serve-{name}", (sys.executable, "-c", SERVE), root="fabric", **place))
    rig = Rig(topology, SandboxProvider(topology), pods)
    for name in [*(node.name for _, node in topology.nodes), *pods]:
        until(lambda name=name: {rig.ask(name, name, port) for port in (8080, 6443)} == {"1"}, name)  # type: ignore[misc]


def test_a_failed_cluster_is_silent_to_others_and_to_clients_and_lives_on_inside(rig: Rig) -> None:
    rig.fail("cluster2")

    outside = [
        ("cluster1-n1", "cluster2-n1"),
        ("pod-cluster3-n1", "pod-cluster2-n2"),
        ("pod-cluster2-n1", "cluster3-n1"),
        ("", "cluster2-n2"),
    ]
    inside = [
        ("pod-cluster2-n1", "pod-cluster2-n2"),
        ("pod-cluster2-n1", "beside"),
        ("cluster2-n2", "cluster2-n1"),
        ("cluster1-n1", "pod-cluster3-n1"),
    ]
    assert [rig.ask(*pair) for pair in outside] == ["timeout"] * 4
    assert [rig.ask(*pair) for pair in inside] == ["1"] * 4
    rig.heal()
    assert [rig.ask(*pair) for pair in outside] == ["1"] * 4


def test_ssh_and_the_api_of_a_failed_cluster_stay_open_to_its_keeper_alone(rig: Rig) -> None:
    rig.fail("cluster2")

    node = next(node for _, node in rig.topology.nodes if node.name == "cluster2-n2")
    login = subprocess.run([*rig.provider.shell(node), "hostname"], capture_output=True, text=True, timeout=60)
    assert login.stdout.strip() == "cluster2-n2", login.stderr
    assert rig.ask("", "cluster2-n1", 6443) == "1"
    assert rig.ask("pod-cluster1-n1", "cluster2-n1", 6443) == "timeout"


def test_a_connection_that_was_open_when_the_cluster_failed_is_silent_too(rig: Rig) -> None:
    # Connection tracking must not let old friends in.
    talk = f"""
import socket, subprocess, sys
peer = socket.create_connection(("{rig.address("cluster2-n1")}", 8080), 5)
print("open", flush=True)
sys.stdin.readline()
peer.settimeout(1.5)
peer.sendall(b"5")
try:
    print(len(peer.recv(10)))
except TimeoutError:
    print("timeout")
"""
    command = [*rig.provider.prefix(), sys.executable, "-c", talk]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as client:
        assert client.stdout
        assert client.stdout.readline() == "open\n"
        rig.fail("cluster2")
        said, _ = client.communicate("\n", timeout=30)
    assert said == "timeout\n"


def test_a_failed_link_parts_two_clusters_and_no_others(rig: Rig) -> None:
    rig.fail("cluster3-cluster2")

    assert rig.ask("pod-cluster2-n2", "pod-cluster3-n1") == "timeout"
    assert rig.ask("cluster3-n1", "cluster2-n1") == "timeout"
    for pair in (("pod-cluster1-n1", "pod-cluster2-n1"), ("cluster3-n1", "cluster1-n1"), ("", "cluster2-n1")):
        assert rig.ask(*pair) == "1", pair


def test_a_failed_node_keeps_its_siblings_way_to_the_api(rig: Rig) -> None:
    rig.fail("cluster2-n1")

    assert rig.ask("cluster2-n2", "pod-cluster2-n1") == "timeout"
    assert rig.ask("pod-cluster2-n1", "pod-cluster2-n2") == "timeout"
    assert rig.ask("pod-cluster1-n1", "pod-cluster2-n1") == "timeout"
    assert rig.ask("cluster2-n2", "cluster2-n1", 6443) == "1"
    assert rig.ask("pod-cluster2-n1", "beside") == "1"
    assert rig.ask("cluster1-n1", "pod-cluster2-n2") == "1"


def test_a_failed_api_server_answers_nobody_but_its_own_node(rig: Rig) -> None:
    rig.fail("apiserver/cluster1")

    assert rig.ask("", "cluster1-n1", 6443) == "timeout"
    assert rig.ask("pod-cluster1-n1", "cluster1-n1", 6443) == "timeout"
    assert rig.ask("cluster1-n1", "cluster1-n1", 6443) == "1"
    assert rig.ask("cluster2-n1", "cluster1-n1") == "1"


@pytest.fixture
def pods_known(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a cluster's API would tell; there is none here."""
    found = [Place(pod.address, pod.node) for pod in rig.pods.values() if pod.name == "pod-cluster2-n1"]
    monkeypatch.setattr(targets, "places", lambda outage, _: found if outage.kind == "pod" else ())
    monkeypatch.setattr(actions, "_pods", lambda *_: ())


@pytest.mark.usefixtures("pods_known")
def test_a_failed_pod_is_silent_to_all_but_the_probes_of_its_node(rig: Rig) -> None:
    outages.fail(rig.topology, rig.provider, [Outage("pod", "cluster2/istio/pod-cluster2-n1")])

    for client in ("beside", "pod-cluster2-n2", "cluster1-n1"):
        assert rig.ask(client, "pod-cluster2-n1") == "timeout", client
    assert rig.ask("pod-cluster2-n1", "cluster1-n1") == "timeout"
    assert rig.ask("cluster2-n1", "pod-cluster2-n1") == "1"
    assert rig.ask("pod-cluster2-n2", "beside") == "1"


@pytest.mark.usefixtures("pods_known")
def test_a_slow_pod_is_slow_for_its_neighbour_too(rig: Rig) -> None:
    outages.fail(rig.topology, rig.provider, [Outage("pod", "cluster2/istio/pod-cluster2-n1", delay=60_000)])

    assert 60 <= rig.ping("beside", "pod-cluster2-n1", 5)[1] < 100
    assert 60 <= rig.ping("cluster1-n1", "pod-cluster2-n1", 5)[1] < 100
    assert rig.ping("pod-cluster2-n2", "beside", 5)[1] < 40


def test_a_slow_link_delays_each_round_trip_once_and_carries_whole_streams(rig: Rig) -> None:
    rig.fail("cluster1-cluster2", delay=80_000)

    assert 80 <= rig.ping("pod-cluster1-n1", "pod-cluster2-n1", 5)[1] < 120
    assert 80 <= rig.ping("cluster2-n2", "cluster1-n1", 5)[1] < 120
    assert rig.ping("cluster3-n1", "cluster2-n1", 5)[1] < 60
    assert rig.ask("pod-cluster1-n1", "pod-cluster2-n2", size=1_000_000) == "1000000"
    assert rig.ask("pod-cluster2-n2", "pod-cluster1-n1", size=1_000_000) == "1000000"
    assert rig.ask("cluster3-n1", "cluster1-n1") == "1"


def test_a_lossy_cluster_loses_its_share_of_packets(rig: Rig) -> None:
    """20 % of 800: six standard deviations are 8.5 points."""
    rig.fail("cluster2", loss=2000)

    loss, _ = rig.ping("cluster1-n1", "cluster2-n1", 800)
    assert 0.115 < loss < 0.285
    assert rig.ping("pod-cluster2-n1", "pod-cluster2-n2", 100)[0] == 0


def test_several_outages_at_once_and_one_target_in_one_way(rig: Rig) -> None:
    rig.fail("cluster1-cluster2", delay=50_000, loss=1000)
    rig.fail("cluster3", "cluster1-cluster2")
    rig.fail("cluster3")

    assert outages.current(rig.topology, rig.provider) == (
        Outage("cluster", "cluster3"),
        Outage("link", "cluster1-cluster2"),
    )
    outages.heal(rig.topology, rig.provider, [Outage("cluster", "cluster3")])
    assert outages.current(rig.topology, rig.provider) == (Outage("link", "cluster1-cluster2"),)
    assert rig.ask("cluster1-n1", "cluster3-n1") == "1"
    assert not [trace for trace in rig.traces() if "delay" in trace or " outage" in trace]


@dataclass(frozen=True)
class Dying:
    """A provider whose user is killed after so many commands."""

    real: SandboxProvider
    left: list[int]

    def execute(self, node: Node, argv: Sequence[str], text: str = "") -> str:
        self._count()
        return self.real.execute(node, argv, text)

    def start_delay(self, node: Node, device: str, seconds: float) -> None:
        self._count()
        self.real.start_delay(node, device, seconds)

    def stop_delay(self, node: Node, device: str) -> None:
        self._count()
        self.real.stop_delay(node, device)

    def _count(self) -> None:
        self.left[0] -= 1
        if self.left[0] < 0:
            raise KeyboardInterrupt


def test_heal_mends_what_a_command_left_that_was_killed_at_any_instant(rig: Rig) -> None:
    wanted = [Outage("link", "cluster1-cluster2", delay=1000, loss=100), Outage("cluster", "cluster3")]
    for commands in range(len(rig.pods) - 1, 100):
        try:
            outages.fail(rig.topology, cast(SandboxProvider, Dying(rig.provider, [commands])), wanted)
        except KeyboardInterrupt:
            rig.heal()
            assert rig.traces() == [], commands
            continue
        break
    assert commands > 8


def test_heal_goes_on_where_another_was_killed(rig: Rig) -> None:
    for commands in range(len(rig.pods) - 1, 100):
        rig.fail("cluster1-cluster2", delay=1000)
        try:
            outages.heal(rig.topology, cast(SandboxProvider, Dying(rig.provider, [commands])))
        except KeyboardInterrupt:
            rig.heal()
            assert rig.traces() == [], commands
            continue
        break
    assert commands > 5


def test_a_killed_delay_program_is_started_again(rig: Rig) -> None:
    rig.fail("cluster1-cluster2", delay=30_000)
    with control.connect(NAME) as sandbox:
        names = [one["name"] for one in sandbox.status()["programs"] if "outage" in one["name"]]
        for name in names:
            sandbox.signal(name, 9)

    assert rig.ask("cluster1-n1", "cluster2-n1") == "1"
    assert rig.ping("cluster1-n1", "cluster2-n1", 3)[1] >= 30


BY_SSH = """
import sys
from dataclasses import replace
from meshctl import outages
from meshctl.outages import Outage
from meshctl.providers.ssh import SshProvider
from meshctl.topology import Ssh
from tests.live.test_outages import _topology
key, hosts = sys.argv[2:]
topology = replace(_topology(), provider="ssh", ssh=Ssh(user="root", key_file=key, known_hosts_file=hosts))
provider = SshProvider(topology)
if sys.argv[1] == "fail":
    print(outages.fail(topology, provider, [Outage("link", "cluster1-cluster2")]).changed)
else:
    print(outages.heal(topology, provider).changed)
"""


def test_hosts_that_are_reached_over_ssh_fail_in_the_same_way(rig: Rig) -> None:
    files = paths.of(NAME)

    def over_ssh(verb: str) -> None:
        argv = (sys.executable, "-c", BY_SSH, verb, str(files.user_key), str(files.known_hosts))
        ended = subprocess.run([*rig.provider.prefix(), *argv], capture_output=True, text=True, timeout=120)
        assert "cluster1-cluster2" in ended.stdout, ended.stderr

    over_ssh("fail")
    assert outages.current(rig.topology, rig.provider) == (Outage("link", "cluster1-cluster2"),)
    assert rig.ask("cluster1-n1", "cluster2-n1") == "timeout"
    over_ssh("heal")
    assert rig.traces() == []
    assert rig.ask("cluster1-n1", "cluster2-n1") == "1"


def test_down_takes_outages_along(home: Path) -> None:
    topology = replace(_topology(), name="fleeting")
    provider = SandboxProvider(topology)
    try:
        create.create(topology, "fleeting")
        outages.fail(topology, provider, [Outage("link", "cluster1-cluster2", delay=10_000)])
        device = nodes.look(provider, topology.clusters[0].nodes[0]).lines[0]
    finally:
        delete.delete("fleeting")
    assert not [one for one in Path("/proc").glob("[0-9]*/cmdline") if device.encode() in _read(one)]
    assert device not in json.dumps(subprocess.run(["ip", "link"], capture_output=True, text=True).stdout)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
