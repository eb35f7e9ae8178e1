"""The sandbox's first process: pid 1 of the fabric, parent of every host and program, deaf to all but its socket."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
from pathlib import Path

from meshctl.sandbox import disk, host, kernel, sshd
from meshctl.sandbox.children import ChildFailed, Children
from meshctl.sandbox.events import Events
from meshctl.sandbox.fleet import Fleet
from meshctl.sandbox.host import Machine
from meshctl.sandbox.paths import Paths
from meshctl.sandbox.server import Server
from meshctl.sandbox.workloads import Workloads

READY = b"ready\n"


def main(folder: str) -> None:
    """Leave the machine's namespaces for new ones and serve; standard output says when, or why not."""
    paths = Paths(Path(folder))
    try:
        lock = _lock(paths)
        kernel.unshare(
            kernel.CLONE_NEWPID | kernel.CLONE_NEWNET | kernel.CLONE_NEWNS | kernel.CLONE_NEWUTS | kernel.CLONE_NEWIPC
        )
        if os.fork():
            os._exit(0)
        os.setsid()
        os.chdir("/")
        os.umask(0o022)
        _settle(paths)
        asyncio.run(_serve(paths))
    except OSError as error:
        os.write(1, f"{error}\n".encode())
        sys.exit(1)
    os.close(lock)


def _lock(paths: Paths) -> int:
    """Held to the end of this process: there is one supervisor for a folder."""
    lock = os.open(paths.running, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise OSError(f"another supervisor has {paths.running}") from None
    return lock


def _settle(paths: Paths) -> None:
    # What the machine unmounts goes from here, too, or its disk would stay busy; nothing goes the other way.
    kernel.mount("", "/", "", kernel.MS_REC | kernel.MS_SLAVE)
    kernel.mount("proc", "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
    kernel.mount("tmpfs", str(paths.roots), "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=0700,size=1m")
    kernel.set_hostname(f"meshctl-{paths.folder.name}"[:63])
    host.set_sysctls({**host.SYSCTLS, "net/bridge/bridge-nf-call-iptables": "0"})


async def _serve(paths: Paths) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    crew = Children(loop)
    try:
        version = await crew.run(["ssh", "-V"])
    except ChildFailed as error:
        raise OSError(str(error)) from None
    ground = host.Ground(paths, disk.private_settings(), sshd.options(version))
    events, machines = Events(), dict[str, Machine]()
    workloads = Workloads(crew, machines, events)
    fleet = Fleet(crew, ground, machines, workloads, events)
    Server(paths.control, fleet, workloads, events).listen()
    _tell(READY)
    await stopped.wait()


def _tell(word: bytes) -> None:
    """Speak to whoever started us, who may be gone, and hang up."""
    with contextlib.suppress(BrokenPipeError):
        os.write(1, word)
    nothing = os.open("/dev/null", os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)


if __name__ == "__main__":
    main(sys.argv[1])
