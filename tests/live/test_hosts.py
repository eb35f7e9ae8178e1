"""The sandbox's hosts: reached over real SSH, alike and apart, kept alive, changed and removed."""

from __future__ import annotations

import dataclasses
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from meshctl.errors import UsageError
from meshctl.sandbox import control, create, delete, enter, paths, running
from meshctl.sandbox.control import SandboxError
from meshctl.sandbox.wire import Pod, Program
from meshctl.validate import find_topology
from tests.live import snapshot
from tests.live.conftest import Classroom

pytestmark = pytest.mark.live

NODE = "cluster1-n1"


def until(true: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_every_host_answers_ssh_under_its_own_name_and_address(classroom: Classroom) -> None:
    for _, node in classroom.topology.nodes:
        answer = classroom.ssh(node.name, "hostname; ip -4 -br addr show eth0 | awk '{print $3}'; cat /etc/hostname")
        assert answer.stdout.split() == [node.name, f"{node.address}/24", node.name], answer.stderr


def test_a_host_with_another_key_is_not_talked_to(classroom: Classroom) -> None:
    files = paths.of(classroom.name)
    whole = files.known_hosts.read_text()
    other = files.known_hosts.read_text().splitlines()[1].split(" ", 1)[1]
    try:
        files.known_hosts.write_text(f"192.168.229.137 {other}\n")
        assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in classroom.ssh(NODE, "true").stderr
        files.known_hosts.write_text("")
        assert "Host key verification failed" in classroom.ssh(NODE, "true").stderr
    finally:
        files.known_hosts.write_text(whole)


def test_a_wrong_user_key_is_refused_and_costs_nothing_later(classroom: Classroom, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    config = str(paths.of(classroom.name).ssh_config)
    wrong = ["ssh", "-F", config, "-o", f"IdentityFile={tmp_path}/key", "-o", "IdentityAgent=none", NODE, "true"]
    options = [word for word in wrong if word != "-F" and word != config]
    text = Path(config).read_text().replace(str(paths.of(classroom.name).user_key), str(tmp_path / "key"))
    (tmp_path / "config").write_text(text)
    for _ in range(3):
        refused = subprocess.run(
            [*options[:1], "-F", str(tmp_path / "config"), NODE, "true"], capture_output=True, text=True
        )
        assert "Permission denied (publickey)" in refused.stderr
    assert classroom.ssh(NODE, "true").returncode == 0


def test_hosts_reach_one_another_by_name(classroom: Classroom) -> None:
    answer = classroom.ssh(NODE, "exec 3<>/dev/tcp/cluster3-n3/22; head -c 7 <&3")
    assert answer.stdout == "SSH-2.0", answer.stderr


def test_hosts_have_no_way_out(classroom: Classroom) -> None:
    for address in ("198.51.100.1", "172.22.0.5"):
        assert "Network is unreachable" in classroom.ssh(NODE, f"exec 3<>/dev/tcp/{address}/80").stderr


def test_what_a_host_writes_stays_with_it(classroom: Classroom) -> None:
    mark = "/etc/meshctl-test"
    assert classroom.ssh(NODE, f"echo mine > {mark}; rm -r /opt /usr/share/doc; cat {mark}").stdout == "mine\n"
    assert not Path(mark).exists()
    assert Path("/opt").exists()
    assert classroom.ssh("cluster1-n2", f"cat {mark}; ls -d /opt").stdout == "/opt\n"


def test_nothing_private_of_the_machine_is_on_a_host(classroom: Classroom, home: Path) -> None:
    secret = Path("/etc/meshctl-test-secret")
    visible = classroom.ssh(
        NODE, "find / -xdev \\( -path /usr -o -path /opt -o -path /var/lib/dpkg \\) -prune -o -print"
    )
    found = {path for path in visible.stdout.splitlines() if not path.startswith("/etc")}
    assert not {path for path in found if path.count("/") > 3 and not path.startswith(("/var/lib/rpm", "/root/.ssh"))}
    assert str(home) not in visible.stdout
    shadow = classroom.ssh(NODE, "cat /etc/shadow /etc/gshadow /etc/sudoers 2>/dev/null").stdout
    assert all(line.split(":")[1] == "*" for line in shadow.splitlines())
    assert not secret.exists()


def test_a_host_cannot_change_the_machine(classroom: Classroom) -> None:
    for command in ("date -s 2001-01-01", "mknod /tmp/disk b 254 0", "dmesg", "echo 1 > /proc/sys/vm/drop_caches"):
        assert classroom.ssh(NODE, command).returncode != 0, command
    assert "vda" not in classroom.ssh(NODE, "ls /dev").stdout
    assert (
        classroom.ssh(NODE, "echo 1 > /proc/sys/net/ipv4/conf/all/forwarding; cat /proc/sys/net/ipv4/ip_forward").stdout
        == "1\n"
    )
    assert classroom.ssh("cluster1-n2", "cat /proc/sys/net/ipv4/ip_forward").stdout == "0\n"


def test_commands_over_ssh_run_no_start_up_files(classroom: Classroom) -> None:
    assert classroom.ssh(NODE, "cat ~/.bashrc ~/.profile /etc/profile; ls /etc/profile.d").stdout == ""


def test_files_are_their_owners_alone(classroom: Classroom) -> None:
    folder = paths.of(classroom.name).folder
    modes = {str(path.relative_to(folder)): path.lstat().st_mode & 0o777 for path in [folder, *folder.rglob("*")]}
    folders = {path for path in modes if (folder / path).is_dir()}
    assert {modes[path] for path in folders} == {0o700}
    assert {modes[path] for path in modes.keys() - folders} == {0o600}


def test_the_machines_network_is_as_it_was(classroom: Classroom) -> None:
    here = snapshot.network()
    assert "192.168.229" not in "".join(here.values())
    assert "mesh0" not in here["addresses"]


def test_a_second_create_changes_nothing(classroom: Classroom) -> None:
    with classroom.control() as sandbox:
        before = sandbox.status()["hosts"]
        assert create.create(classroom.topology, classroom.name).lines() == ()
        assert sandbox.status()["hosts"] == before


def test_what_is_broken_is_planned_and_mended(classroom: Classroom) -> None:
    classroom.at(NODE, "ip addr flush dev eth0")
    assert create.compare(classroom.topology, classroom.name).lines() == (f"mend host {NODE}",)
    assert create.create(classroom.topology, classroom.name).lines() == (f"mend host {NODE}",)
    assert create.compare(classroom.topology, classroom.name).lines() == ()
    assert classroom.ssh(NODE, "hostname").stdout == f"{NODE}\n"


def test_a_dead_sshd_comes_back(classroom: Classroom) -> None:
    name = f"{NODE}/sshd"
    with classroom.control() as sandbox:
        for _ in range(2):
            before = _program(sandbox, name)
            classroom.ssh(NODE, "kill -9 $(pgrep -of 'sshd -D')")
            until(lambda pid=before["pid"]: _program(sandbox, name)["pid"] not in (None, pid))  # type: ignore[misc]
    assert classroom.ssh(NODE, "true").returncode == 0


def test_a_dead_host_boots_again_with_its_disk(classroom: Classroom) -> None:
    classroom.ssh("cluster2-n2", "echo kept > /root/file; echo gone > /run/file")
    with classroom.control() as sandbox:
        first = sandbox.status()["hosts"]["cluster2-n2"]["pid"]
        enter.inside(classroom.name, ["kill", "-9", str(first)]).wait()
        until(lambda: sandbox.status()["hosts"].get("cluster2-n2", {}).get("pid", first) != first)
        until(lambda: sandbox.status()["hosts"]["cluster2-n2"]["ready"])
    assert classroom.ssh("cluster2-n2", "cat /root/file; cat /run/file").stdout == "kept\n"


def test_orphans_are_reaped(classroom: Classroom) -> None:
    classroom.ssh(NODE, "for i in 1 2 3; do setsid sh -c 'sleep 0.05 & exit' & done; sleep 0.2")
    until(lambda: classroom.ssh(NODE, "ps -eo stat,comm | grep -c '^Z'").stdout == "0\n")


def test_a_command_inside_sees_the_fabric_and_its_status_comes_back(classroom: Classroom) -> None:
    script = "import socket,sys; s=socket.create_connection(('192.168.229.145', 22)); print(s.recv(7)); sys.exit(7)"
    with enter.inside(classroom.name, ["python3", "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.communicate() == ("b'SSH-2.0'\n", None)
    again = subprocess.run([*enter.command(classroom.name), "python3", "-c", script], capture_output=True, text=True)
    assert (again.stdout, process.returncode, again.returncode) == ("b'SSH-2.0'\n", 7, 7)


def test_the_one_who_asks_stays_outside(classroom: Classroom) -> None:
    before = Path("/proc/thread-self/ns/net").readlink()
    enter.inside(classroom.name, ["true"]).wait()
    assert Path("/proc/thread-self/ns/net").readlink() == before


def test_a_port_of_the_machine_leads_into_the_fabric(classroom: Classroom) -> None:
    with classroom.control() as sandbox:
        port = sandbox.forward("192.168.229.137", 22)
        assert sandbox.forward("192.168.229.137", 22, port) == port
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            assert connection.recv(7) == b"SSH-2.0"
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            with pytest.raises(UsageError, match=r"port \d+ of 127.0.0.1 can't be used: Address already in use"):
                sandbox.forward("192.168.229.138", 22, taken.getsockname()[1])
        assert sandbox.unforward("192.168.229.137", 22) == {"changed": True}
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 5)


def test_programs_run_where_they_are_put(classroom: Classroom, tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = Program(
        "who", ("sh", "-c", "hostname; id -u; ls /root"), "cluster1-n3", uid=1337, log=str(log), restart="never"
    )
    with classroom.control() as sandbox:
        assert sandbox.spawn(program)["changed"]
        until(lambda: _program(sandbox, "who")["state"] == "ended")
        assert log.read_text().splitlines()[:2] == ["cluster1-n3", "1337"]
        assert "Permission denied" in log.read_text()
        sandbox.stop("who")
        assert "who" not in [one["name"] for one in sandbox.status()["programs"]]


def test_a_failing_program_is_restarted_ever_more_slowly(classroom: Classroom) -> None:
    program = Program("loop", ("false",), NODE, restart="on-failure", backoff=0.01, backoff_limit=5.0)
    with classroom.control() as sandbox:
        sandbox.spawn(program)
        until(lambda: _program(sandbox, "loop")["starts"] >= 5)
        assert _program(sandbox, "loop")["reason"] == "status 1"
        assert not sandbox.spawn(program)["changed"]
        sandbox.stop("loop")


def test_a_program_that_cannot_start_says_why(classroom: Classroom) -> None:
    with classroom.control() as sandbox:
        sandbox.spawn(Program("none", ("/no/such/program",), NODE, restart="never"))
        until(lambda: _program(sandbox, "none")["state"] == "ended")
        assert "No such file" in _program(sandbox, "none")["reason"]
        sandbox.stop("none")
        with pytest.raises(SandboxError, match="host nowhere is not up; hosts are cluster1-n1, "):
            sandbox.spawn(Program("lost", ("true",), "nowhere"))


def test_a_stubborn_program_is_killed_after_its_grace(classroom: Classroom) -> None:
    stubborn = Program("stubborn", ("sh", "-c", "trap '' TERM; sleep 60 & wait; sleep 60"), NODE, grace=0.2)
    with classroom.control() as sandbox:
        sandbox.spawn(stubborn)
        until(lambda: _program(sandbox, "stubborn")["state"] == "running")
        begun = time.monotonic()
        assert sandbox.stop("stubborn") == {"changed": True}
        assert time.monotonic() - begun < 5
    assert "sleep 60" not in classroom.ssh(NODE, "ps ax").stdout


def test_pods_talk_through_their_nodes(classroom: Classroom) -> None:
    server = "import http.server as h; h.test(h.SimpleHTTPRequestHandler, port=8000, bind='172.20.0.5')"
    with classroom.control() as sandbox:
        classroom.ssh(NODE, "sysctl -qw net.ipv4.ip_forward=1")
        assert sandbox.add_pod(Pod("web", NODE, "172.20.0.5"))["changed"]
        assert sandbox.add_pod(Pod("client", NODE, "172.20.0.6", "client-7"))["changed"]
        assert not sandbox.add_pod(Pod("web", NODE, "172.20.0.5"))["changed"]
        sandbox.spawn(Program("web", ("python3", "-c", server), NODE, "web", root="fabric"))
        reader, writer = os.pipe()
        script = "hostname; until curl -s http://172.20.0.5:8000/etc/hostname; do sleep 0.05; done"
        with Path(os.devnull).open("r+") as nothing:
            asking = Program("ask", ("sh", "-c", script), NODE, "client", restart="never")
            sandbox.spawn(asking, (nothing.fileno(), writer, writer))
        os.close(writer)
        with os.fdopen(reader) as pipe:
            assert pipe.read().startswith("client-7\n")
        assert sandbox.remove_pod("web") == {"changed": True}
        assert sandbox.remove_pod("client") == {"changed": True}
        assert sandbox.status()["pods"] == {}
    assert classroom.ssh(NODE, "ip -br link | grep -c ^p").stdout == "0\n"


def test_hosts_come_and_go_with_the_topology(home: Path) -> None:
    whole = find_topology(preset="five-clusters")
    first = whole.clusters[0]
    fewer = dataclasses.replace(whole, clusters=tuple(c for c in whole.clusters if c.name != whole.clusters[-1].name))
    moved = dataclasses.replace(first.nodes[0], address=next(a for a in list(whole.node_network.hosts())[::-1]))
    other = dataclasses.replace(
        fewer, clusters=(dataclasses.replace(first, nodes=(moved, *first.nodes[1:])), *fewer.clusters[1:])
    )
    gone = tuple(f"remove host {node.name}" for node in whole.clusters[-1].nodes)
    try:
        assert len(create.create(fewer, "five").created) == len(list(fewer.nodes))
        assert len(create.create(whole, "five").created) == len(whole.clusters[-1].nodes)
        assert create.create(fewer, "five").lines() == gone
        plan = create.compare(other, "five").lines()
        assert plan == (f"create host {moved.name}",)
        assert create.create(other, "five").lines() == plan
        five = Classroom("five", other)
        assert str(moved.address) in five.ssh(moved.name, "ip -4 addr show eth0; cat /etc/hosts").stdout
        assert whole.clusters[-1].nodes[0].name not in five.ssh(first.nodes[-1].name, "cat /etc/hosts").stdout
    finally:
        delete.delete("five")


def test_sandboxes_of_different_names_stand_side_by_side(classroom: Classroom) -> None:
    try:
        create.create(classroom.topology, "twin")
        twin = Classroom("twin", classroom.topology)
        twin.ssh(NODE, "echo twin > /root/who")
        assert classroom.ssh(NODE, "cat /root/who").stdout == ""
    finally:
        assert delete.delete("twin")
    assert classroom.ssh(NODE, "hostname").stdout == f"{NODE}\n"
    assert not delete.delete("twin")


def test_a_sandbox_is_found_without_its_files(classroom: Classroom) -> None:
    try:
        create.create(classroom.topology, "lost")
        shutil.rmtree(paths.of("lost").folder)
        assert delete.exists("lost")
        assert delete.delete("lost")
        with running.supervisors(paths.of("lost").folder) as found:
            assert not found
    finally:
        delete.delete("lost")


def test_what_is_not_up_is_said_to_be(home: Path) -> None:
    for ask in (lambda: control.connect("nothing"), lambda: enter.inside("nothing", ["true"])):
        with pytest.raises(UsageError, match="the sandbox nothing is not up; `meshctl up` builds it"):
            ask()
    assert not delete.exists("nothing")


def _program(sandbox: control.Control, name: str) -> Any:
    return next(one for one in sandbox.status()["programs"] if one["name"] == name)
