"""The SSH server of a host as a program, and which settings the installed version needs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from meshctl.sandbox.children import PATH
from meshctl.sandbox.paths import Paths
from meshctl.sandbox.wire import Host, Program

LISTENING = "0A"  # include/net/tcp_states.h, as /proc/net/tcp prints it
SINCE_PENALTIES = (9, 8)


def program(paths: Paths, host: Host) -> Program:
    """sshd in the foreground; it wants to be called by its full path."""
    sshd = shutil.which("sshd", path=PATH) or "/usr/sbin/sshd"
    log = str(paths.logs / f"{host.name}.sshd.log")
    return Program(f"{host.name}/sshd", (sshd, "-D", "-e"), node=host.name, log=log, backoff_limit=5.0)


def options(version: str) -> tuple[str, ...]:
    """Extra settings for what `ssh -V` printed.

    From 9.8 on, sshd shuts out an address for a while after failed logins; here all come from one address.
    """
    found = re.search(r"OpenSSH_(\d+)\.(\d+)", version)
    penalties = found and (int(found[1]), int(found[2])) >= SINCE_PENALTIES
    return ("PerSourcePenalties no",) if penalties else ()


def listens(pid: int, port: int = 22) -> bool:
    """Whether something in the process's network accepts connections on the TCP port (proc_pid_net(5))."""
    network = Path(f"/proc/{pid}/net")
    try:
        # Cheap, and enough until sshd is up: the kernel takes milliseconds for the list of sockets.
        if "TCP: inuse 0 " in (network / "sockstat").read_text():
            return False
        sockets = [line.split() for line in (network / "tcp").read_text().splitlines()[1:]]
    except OSError:
        return False
    return any(fields[1].endswith(f":{port:04X}") and fields[3] == LISTENING for fields in sockets)
