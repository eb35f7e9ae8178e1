"""Hosts for the runner: network and mount namespaces of their own, each with a real sshd on one bridge."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

MISSING = [name for name in ("sshd", "ip", "unshare", "nsenter", "ssh-keygen") if not shutil.which(name)]

SSHD = """\
Port 22
ListenAddress {address}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PidFile none
PermitRootLogin prohibit-password
"""

FABRIC = "mount -t tmpfs none /run/sshd 2>/dev/null; ip link set lo up && ip link add br0 type bridge && \
ip addr add 10.77.0.1/24 dev br0 && ip link set br0 up && echo ready && exec sleep 600"


@dataclass(slots=True)
class Host:
    """One host: its address and the process that holds its namespaces."""

    name: str
    address: str
    folder: Path
    init: subprocess.Popen[str]
    sshd: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(self, *command: str) -> str:
        """Run a command inside the host's namespaces."""
        inside = ["nsenter", f"--target={self.init.pid}", "--net", "--mount", *command]
        return subprocess.run(inside, check=True, capture_output=True, text=True).stdout

    def routes(self) -> set[str]:
        """Its routes but those of the kernel."""
        lines = self.run("ip", "route").splitlines()
        return {" ".join(line.split()[:3]) for line in lines if "proto kernel" not in line}


@dataclass(slots=True)
class Rig:
    """Two hosts and the namespace from which they are reached."""

    fabric: subprocess.Popen[str]
    hosts: dict[str, Host]
    folder: Path

    @property
    def prefix(self) -> tuple[str, ...]:
        """The command that enters the hosts' network."""
        return ("nsenter", f"--net=/proc/{self.fabric.pid}/ns/net")

    def start_sshd(self, host: Host) -> None:
        """Start sshd on a host and wait until it answers."""
        inside = ["nsenter", f"--target={host.init.pid}", "--net", "--mount"]
        config = str(host.folder / "sshd_config")
        sshd = shutil.which("sshd") or "/usr/sbin/sshd"
        with (host.folder / "log").open("a") as log:
            host.sshd.append(subprocess.Popen([*inside, sshd, "-D", "-e", "-f", config], stderr=log, text=True))
        probe = f"import socket; socket.create_connection(('{host.address}', 22), 1).recv(4)"
        deadline = time.monotonic() + 10
        while subprocess.run([*self.prefix, "python3", "-c", probe], capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline, (host.folder / "log").read_text()


def _holder(script: str) -> subprocess.Popen[str]:
    command = ["unshare", "--net", "--mount", "sh", "-c", script]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """Two hosts, a and b, at 10.77.0.2 and .3."""
    if os.geteuid() != 0 or MISSING:
        reason = f"needs root and {', '.join(MISSING) or 'nothing else'}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    for key in ("user_key", "host_key", "other_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / key)], check=True)
    Path("/run/sshd").mkdir(exist_ok=True)
    made = Rig(_holder(FABRIC), {}, tmp_path)
    try:
        for number, name in enumerate(("a", "b"), start=2):
            made.hosts[name] = _host(made, name, f"10.77.0.{number}")
        (tmp_path / "known_hosts").write_text(
            "".join(f"{h.address} {_public(h.folder / 'host_key')}\n" for h in made.hosts.values())
        )
        yield made
    finally:
        for host in made.hosts.values():
            for process in (*host.sshd, host.init):
                _end(process)
        _end(made.fabric)


def _host(rig: Rig, name: str, address: str) -> Host:
    folder = rig.folder / name
    folder.mkdir()
    shutil.copy(rig.folder / "host_key", folder / "host_key")
    shutil.copy(rig.folder / "host_key.pub", folder / "host_key.pub")
    (folder / "host_key").chmod(0o600)
    (folder / "authorized_keys").write_text(_public(rig.folder / "user_key") + "\n")
    (folder / "sshd_config").write_text(SSHD.format(address=address, folder=folder))
    script = "mount -t tmpfs none /etc/sysctl.d && mount -t tmpfs none /root && echo ready && exec sleep 600"
    host = Host(name, address, folder, _holder(script))
    link = f"ip link add v{name} type veth peer name eth0 netns {host.init.pid} && ip link set v{name} master br0 up"
    subprocess.run([*rig.prefix, "sh", "-c", link], check=True)
    host.run("sh", "-c", f"ip link set lo up; ip addr add {address}/24 dev eth0; ip link set eth0 up")
    rig.start_sshd(host)
    return host


def _public(key: Path) -> str:
    return " ".join(key.with_suffix(".pub").read_text().split()[:2])


def _end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=10)
    if process.stdout:
        process.stdout.close()
