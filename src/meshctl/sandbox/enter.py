"""Entering a sandbox's network: nothing may send to a sandbox address from anywhere else.

`python -m meshctl.sandbox.enter NAME COMMAND...` runs a command inside, as `command` spells it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from meshctl.sandbox import kernel, paths, running
from meshctl.sandbox.paths import Paths

PACKAGE = Path(__file__).parents[2]


def fabric(where: Paths, flags: int = kernel.CLONE_NEWNET) -> None:
    """Move the calling thread into the fabric's network; for threads and processes that do nothing else afterwards.

    UsageError if the sandbox is not up.
    """
    with running.supervisor(where.folder) as supervisor:
        kernel.setns(supervisor.pidfd, flags)


def inside(name: str, argv: Sequence[str], **popen: Any) -> subprocess.Popen[Any]:
    """Start a command in the fabric's network that dies with the sandbox; `popen` as for subprocess.Popen."""
    started: list[subprocess.Popen[Any]] = []
    failed: list[BaseException] = []

    def start() -> None:
        # A thread's namespaces are its own, and its children's; this one ends here.
        try:
            fabric(paths.of(name), kernel.CLONE_NEWNET | kernel.CLONE_NEWPID)
            started.append(subprocess.Popen(argv, **popen))
        except BaseException as error:  # noqa: BLE001 # raised again in the caller's thread
            failed.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return started[0]


def command(name: str) -> tuple[str, ...]:
    """What to put before a command's words to run it in the fabric's network.

    It ends when the thread that started it or the sandbox does, and passes on the exit status.
    """
    return (sys.executable, "-P", "-m", "meshctl.sandbox.enter", str(paths.of(name).folder))


def shell(name: str, node: str) -> tuple[str, ...]:
    """The command of an interactive shell on a node: OpenSSH by way of the fabric, host keys checked strictly."""
    # ssh starts its ProxyCommand by way of $SHELL, and bash runs ~/.bashrc if its standard input is a socket.
    return ("env", "SHELL=/bin/sh", "ssh", "-F", str(paths.of(name).ssh_config), node)


def _main(folder: str, argv: Sequence[str]) -> None:
    parent = os.getppid()
    kernel.die_with_parent(signal.SIGKILL)
    if os.getppid() != parent:
        return
    fabric(Paths(Path(folder)), kernel.CLONE_NEWNET | kernel.CLONE_NEWPID)
    child = os.fork()
    if child == 0:
        kernel.die_with_parent(signal.SIGKILL)
        os.execvp(argv[0], list(argv))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _: os.kill(child, received))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2:])
