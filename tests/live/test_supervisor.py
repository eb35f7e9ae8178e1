"""The supervisor: what it is told over its socket, what it runs, and what ends with it."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from meshctl.errors import UsageError
from meshctl.sandbox import connection, create, delete, enter, paths, running
from meshctl.sandbox.control import Control, SandboxError
from meshctl.sandbox.wire import Mount, Pod, Program
from tests.live.conftest import Classroom
from tests.live.test_hosts import NODE, until

pytestmark = pytest.mark.live


@pytest.fixture
def supervisor(classroom: Classroom) -> Any:
    with classroom.control() as one:
        yield one


def program(supervisor: Control, name: str) -> Any:
    return next((one for one in supervisor.status()["programs"] if one["name"] == name), None)


def ended(supervisor: Control, name: str) -> Any:
    until(lambda: bool(program(supervisor, name)) and program(supervisor, name)["state"] == "ended")
    return program(supervisor, name)


def converse(name: str, text: bytes) -> list[Any]:
    """Raw bytes to the socket, and every answer until it is closed."""
    with socket.socket(socket.AF_UNIX) as raw:
        with connection.short(paths.of(name).control) as path:
            raw.connect(path)
        raw.sendall(text)
        raw.shutdown(socket.SHUT_WR)
        return [json.loads(line) for line in raw.makefile()]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"not json", "Expecting value"),
        (b"[]", "bad request"),
        (b'{"id": 1}', "bad request: KeyError('do')"),
        (b'{"id": 1, "do": "dance"}', "bad request: KeyError('dance')"),
        (b'{"id": 1, "do": "spawn", "program": {"name": "x", "argv": ["y"], "colour": "red"}}', "colour unknown"),
        (b'{"id": 1, "do": "signal", "name": "nobody", "signal": 1}', "program nobody is unknown"),
    ],
)
def test_a_bad_request_is_answered_and_harms_nobody(classroom: Classroom, line: bytes, complaint: str) -> None:
    with classroom.control() as supervisor:
        with socket.socket(socket.AF_UNIX) as raw:
            with connection.short(paths.of(classroom.name).control) as path:
                raw.connect(path)
            raw.sendall(line + b"\n")
            assert complaint in json.loads(raw.makefile().readline())["error"]
        assert supervisor.status()["version"] == 1


def test_half_a_request_and_a_hang_up_are_forgotten(classroom: Classroom, supervisor: Control) -> None:
    assert converse(classroom.name, b'{"id": 1, "do": "sta') == []
    assert supervisor.status()["version"] == 1


def test_the_socket_is_its_owners_alone(classroom: Classroom) -> None:
    assert paths.of(classroom.name).control.stat().st_mode & 0o777 == 0o600


def test_programs_are_watched(classroom: Classroom, supervisor: Control) -> None:
    seen: list[Any] = []

    def watch() -> None:
        with classroom.control() as other:
            for event in other.watch():
                seen.append(event)
                if event["program"]["state"] == "ended":
                    return

    thread = threading.Thread(target=watch)
    thread.start()
    time.sleep(0.2)
    supervisor.spawn(Program("seen", ("sh", "-c", "exit 3"), NODE, restart="never"))
    thread.join(10)
    assert [event["program"]["state"] for event in seen] == ["running", "ended"]
    assert seen[-1]["program"]["status"] == 3
    supervisor.stop("seen")


def test_many_ask_for_the_same_program_and_one_runs(classroom: Classroom, supervisor: Control) -> None:
    answers: list[Any] = []

    def ask() -> None:
        with classroom.control() as one:
            answers.append(one.spawn(Program("same", ("sleep", "4242"), NODE)))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: program(supervisor, "same")["state"] == "running")
    assert sum(answer["changed"] for answer in answers) == 1
    assert classroom.at(NODE, "pgrep -fc '^sleep 4242'") == "1\n"
    supervisor.stop("same")
    assert classroom.at(NODE, "pgrep -fc '^sleep 4242'") == "0\n"


def test_a_command_runs_in_the_network_of_its_node(classroom: Classroom, supervisor: Control) -> None:
    address = next(str(node.address) for _, node in classroom.topology.nodes if node.name == NODE)
    assert f"inet {address}/" in supervisor.run(["ip", "-4", "address"], node=NODE)
    assert supervisor.run(["cat"], "a line", node=NODE) == "a line"
    with pytest.raises(SandboxError, match="status 1: .*nowhere"):
        supervisor.run(["ip", "route", "get", "nowhere"], node=NODE)


def test_another_description_replaces_a_program(supervisor: Control) -> None:
    first = supervisor.spawn(Program("other", ("sleep", "100"), NODE))
    until(lambda: program(supervisor, "other")["state"] == "running")
    pid = program(supervisor, "other")["pid"]
    assert supervisor.spawn(Program("other", ("sleep", "200"), NODE))["changed"]
    until(lambda: program(supervisor, "other")["state"] == "running")
    assert program(supervisor, "other")["pid"] != pid
    assert first["changed"]
    supervisor.stop("other")


def test_a_program_of_a_node_may_see_the_machines_files_and_others_at_other_paths(
    classroom: Classroom, supervisor: Control, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").write_text("mounted")
    script = f"cat /mnt/file; echo x > /mnt/file; hostname; test -e {__file__} && echo here"
    for root, sees in (("node", ""), ("fabric", "here")):
        log = tmp_path / f"{root}.log"
        one = Program("mounted", ("sh", "-c", script), NODE, root=root, log=str(log), restart="never",  # type: ignore[arg-type]
                      mounts=(Mount(str(source), "/mnt"),))  # fmt: skip
        supervisor.spawn(one)
        ended(supervisor, "mounted")
        assert log.read_text().split()[0] == f"mounted{NODE}" or "mounted" in log.read_text()
        assert "Read-only file system" in log.read_text()
        assert NODE in log.read_text()
        assert ("here" in log.read_text()) == bool(sees)
        supervisor.stop("mounted")
    assert (source / "file").read_text() == "mounted"
    assert classroom.at(NODE, "ls /mnt") == ""


def test_what_a_program_started_goes_with_it(classroom: Classroom, supervisor: Control) -> None:
    supervisor.spawn(Program("parent", ("sh", "-c", "sleep 5151 & sleep 0.1"), NODE, restart="never"))
    ended(supervisor, "parent")
    until(lambda: classroom.at(NODE, "pgrep -fc '^sleep 5151'") == "0\n")
    supervisor.spawn(Program("parent", ("sh", "-c", "trap '' TERM; sleep 6161 & exec sleep 5151"), NODE, grace=0.1))
    until(lambda: classroom.at(NODE, "pgrep -fc '^sleep 6161'") == "1\n")
    supervisor.stop("parent")
    until(lambda: classroom.at(NODE, "pgrep -fc '^sleep'") == "1\n")


def test_a_terminal_controls_its_program(supervisor: Control) -> None:
    ours, theirs = pty.openpty()
    supervisor.spawn(Program("shell", ("sh", "-i"), NODE, restart="never"), (theirs, theirs, theirs))
    os.close(theirs)
    until(lambda: program(supervisor, "shell")["state"] == "running")
    os.write(ours, b"sleep 100\n")
    time.sleep(0.3)
    os.write(ours, b"\x03")
    os.write(ours, b"tty; hostname; exit 5\n")
    assert ended(supervisor, "shell")["status"] == 5
    said = os.read(ours, 65536).decode()
    os.close(ours)
    assert "/dev/" in said or "not a tty" in said
    assert NODE in said
    supervisor.stop("shell")


def test_what_left_its_programs_session_goes_with_the_pod(classroom: Classroom, supervisor: Control) -> None:
    supervisor.add_pod(Pod("nest", NODE, "172.20.0.77"))
    supervisor.spawn(Program("nest", ("sh", "-c", "setsid sleep 7777 & wait"), NODE, "nest"))
    until(lambda: classroom.at(NODE, "pgrep -fc '^sleep 7777'") == "1\n")
    supervisor.remove_pod("nest")
    until(lambda: classroom.at(NODE, "pgrep -fc '^sleep 7777'") == "0\n")


def test_a_pods_address_is_free_again_at_once(supervisor: Control) -> None:
    for number in range(5):
        assert supervisor.add_pod(Pod(f"pod-{number}", NODE, "172.20.0.99"))["changed"]
        assert supervisor.remove_pod(f"pod-{number}")["changed"]


def test_a_pod_on_no_host_is_refused(supervisor: Control) -> None:
    with pytest.raises(SandboxError, match="host nowhere is not up"):
        supervisor.add_pod(Pod("lost", "nowhere", "172.20.0.9"))
    with pytest.raises(SandboxError, match=f"pod none of stray is not on host {NODE}; add it first"):
        supervisor.spawn(Program("stray", ("true",), NODE, "none"))


def test_what_programs_use_is_counted(supervisor: Control) -> None:
    until(lambda: f"{NODE}/sshd" in supervisor.stats())
    used = supervisor.stats()[f"{NODE}/sshd"]
    assert used["processes"] >= 1
    assert 1000 < used["resident_kib"] < 100_000


def test_a_forward_carries_both_ways_and_each_end(classroom: Classroom, supervisor: Control) -> None:
    echo = "import socket; s=socket.create_server(('192.168.229.139', 7)); c=s.accept()[0]; d=b''\n"
    echo += "while x:=c.recv(65536): d+=x\nc.sendall(d[::-1]); c.close()"
    supervisor.spawn(Program("echo", ("python3", "-c", echo), "cluster1-n3", root="fabric", restart="never"))
    port = supervisor.forward("192.168.229.139", 7)
    blob = os.urandom(1 << 20)
    until(lambda: classroom.at("cluster1-n3", "grep -c ':0007 .* 0A' /proc/net/tcp") == "1\n")
    with socket.create_connection(("127.0.0.1", port), 10) as connection_:
        connection_.sendall(blob)
        connection_.shutdown(socket.SHUT_WR)
        assert connection_.makefile("rb").read() == blob[::-1]
    with pytest.raises(ConnectionResetError), socket.create_connection(("127.0.0.1", port), 10) as refused:
        refused.recv(1)
    supervisor.unforward("192.168.229.139", 7)
    supervisor.stop("echo")


def test_everything_inside_ends_with_the_sandbox(classroom: Classroom) -> None:
    create.create(classroom.topology, "short")
    prefix = enter.command("short")
    with enter.inside("short", ["sleep", "2121"]) as inside, subprocess.Popen([*prefix, "sleep", "2121"]) as prefixed:
        until(lambda: count("sleep 2121") == 2)
        assert delete.delete("short")
        assert inside.wait(10) == -signal.SIGKILL
        assert prefixed.wait(10) == 128 + signal.SIGKILL


def test_a_prefixed_command_ends_with_who_started_it(classroom: Classroom) -> None:
    command = [*enter.command(classroom.name), "sleep", "3131"]
    script = f"import subprocess, time; subprocess.Popen({command}); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script]) as starter:
        until(lambda: count("sleep 3131") == 1)
        starter.kill()
    until(lambda: count("sleep 3131") == 0)


def test_a_terminated_supervisor_ends_everything(classroom: Classroom) -> None:
    create.create(classroom.topology, "term")
    try:
        with running.supervisor(paths.of("term").folder) as supervisor:
            signal.pidfd_send_signal(supervisor.pidfd, signal.SIGTERM)
        until(lambda: not _up("term"))
        with pytest.raises(UsageError, match="is not up"):
            enter.inside("term", ["true"])
    finally:
        delete.delete("term")


def _up(name: str) -> bool:
    with running.supervisors(paths.of(name).folder) as found:
        return bool(found)


def count(words: str) -> int:
    """Processes of this machine whose command line is exactly this."""
    line = words.replace(" ", "\0").encode() + b"\0"
    found = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found += (process / "cmdline").read_bytes() == line
        except OSError:
            continue
    return found
