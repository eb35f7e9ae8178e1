"""A machine to test on: namespaces that hold nothing but what a test puts there, and that die with the test run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from meshctl.sandbox import kernel

CLONE_FS = 0x200
EVERYTHING = kernel.CLONE_NEWPID | kernel.CLONE_NEWNET | kernel.CLONE_NEWNS | kernel.CLONE_NEWUTS | kernel.CLONE_NEWIPC
REPOSITORY = Path(__file__).parents[2]
GATEWAY = "198.51.100.1"
# An uplink whose default route would take every packet for a sandbox address off the machine, and a firewall.
NETWORK = f"""
echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
ip link set lo up
ip link add eth0 type veth peer name wire
ip link set wire up
ip link set eth0 up
ip addr add 198.51.100.2/24 dev eth0
ip neigh add {GATEWAY} lladdr 02:00:00:00:00:01 dev eth0
ip route add default via {GATEWAY}
nft add table inet host
nft add chain inet host input '{{ type filter hook input priority 0; policy accept; }}'
"""


class Machine:
    """Runs commands inside; `home` is its XDG_STATE_HOME."""

    def __init__(self, pid: int, home: Path) -> None:
        self.pid = pid
        self.home = home
        self._pidfd = os.pidfd_open(pid)

    def start(self, *argv: str, **popen: Any) -> subprocess.Popen[str]:
        """Start a command; the process is our own child and its pid is ours to kill."""
        started: list[subprocess.Popen[str]] = []
        environment = {**os.environ, "XDG_STATE_HOME": str(self.home), "PYTHONPATH": _python_path()}

        def enter() -> None:
            kernel.unshare(CLONE_FS)
            kernel.setns(self._pidfd, EVERYTHING)
            started.append(subprocess.Popen(argv, text=True, env=environment, cwd=REPOSITORY, **popen))

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        return started[0]

    def run(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        with self.start(*argv, stdout=-1, stderr=-1) as process:
            out, err = process.communicate(timeout=120)
        assert not check or process.returncode == 0, f"{argv}: {process.returncode}: {out}{err}"
        return subprocess.CompletedProcess(argv, process.returncode, out, err)

    def python(self, module: str, *arguments: str, **popen: Any) -> subprocess.Popen[str]:
        """Start one of this folder's modules."""
        return self.start(sys.executable, "-m", f"tests.live.{module}", *arguments, **popen)

    def ask(self, module: str, *arguments: str) -> Any:
        """What one of this folder's modules prints, as JSON."""
        return json.loads(self.run(sys.executable, "-m", f"tests.live.{module}", *arguments).stdout)


@contextmanager
def machine(home: Path) -> Iterator[Machine]:
    """A machine of its own; nothing of it outlives this, nor the test run if that is killed."""
    # Ignored across exec, SIGCHLD makes a first process that reaps.
    command = [
        "unshare",
        "--fork",
        "--kill-child=SIGKILL",
        "--pid",
        "--mount-proc",
        "--net",
        "--uts",
        "--ipc",
        "sh",
        "-c",
    ]
    script = f"set -e; {NETWORK}\ntrap '' CHLD; echo up; exec sleep infinity"
    with subprocess.Popen([*command, script], stdout=-1, text=True, preexec_fn=_die_with_us) as outer:  # noqa: PLW1509 # one prctl
        try:
            assert outer.stdout is not None
            assert outer.stdout.readline() == "up\n"
            child = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text()
            yield Machine(int(child), home)
        finally:
            outer.kill()


def _die_with_us() -> None:
    kernel.die_with_parent(signal.SIGKILL)


def _python_path() -> str:
    return os.pathsep.join(str(path) for path in (REPOSITORY / "src", REPOSITORY))
