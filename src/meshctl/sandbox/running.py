"""Which sandboxes run on this machine: read from its processes, so that no file has to be believed."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from meshctl.errors import UsageError

POLL_SECONDS = 0.02
MODULE = "meshctl.sandbox.supervisor"


@dataclass(frozen=True, slots=True)
class Supervisor:
    """A sandbox's first process, held by a pidfd: what is done through it can't hit another process."""

    pid: int
    pidfd: int
    folder: Path
    settled: bool
    namespace: int

    def kill(self) -> None:
        """End it and with it everything in its namespaces; returns when none of that runs any more."""
        try:
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        except ProcessLookupError:
            return
        except PermissionError:
            raise UsageError(f"process {self.pid} of {self.folder.name} is another user's; run it with sudo") from None
        while not select.select([self.pidfd], [], [], POLL_SECONDS)[0] and not self._is_husk():
            pass

    def _is_husk(self) -> bool:
        """Whether it has let go of everything and only waits for the dead children of processes outside.

        The kernel keeps the first process of a pid namespace until each of the others has been reaped, also those
        that `enter.inside` put there, whose parent may take its time, or be the one who is asking.
        """
        if _words(str(self.pid)):
            return False
        return not any(_belongs(process, self) for process in Path("/proc").glob("[0-9]*"))


@contextmanager
def supervisors(folder: Path | None = None) -> Iterator[tuple[Supervisor, ...]]:
    """The supervisors of one sandbox folder, or of all; also those that have not entered their namespaces yet."""
    found = tuple(_found(folder))
    try:
        yield found
    finally:
        for supervisor in found:
            os.close(supervisor.pidfd)


@contextmanager
def supervisor(folder: Path) -> Iterator[Supervisor]:
    """The one supervisor of a sandbox folder; UsageError if the sandbox is not up."""
    with supervisors(folder) as found:
        settled = [one for one in found if one.settled]
        if not settled:
            raise UsageError(f"the sandbox {folder.name} is not up; `meshctl up` builds it")
        yield settled[0]


def _found(folder: Path | None) -> Iterator[Supervisor]:
    for entry in [path.name for path in Path("/proc").iterdir()]:
        if not entry.isdigit() or _folder_of(entry) is None:
            continue
        with contextlib.suppress(ProcessLookupError):
            pidfd = os.pidfd_open(int(entry))
            one = _identified(int(entry), pidfd)
            if one and folder in (None, one.folder):
                yield one
            else:
                os.close(pidfd)


def _identified(pid: int, pidfd: int) -> Supervisor | None:
    """What /proc says about a process, and proof that it spoke of the one that the pidfd holds."""
    folder = _folder_of(str(pid))
    below = _namespace_pids(pid)[1:]
    alive = not select.select([pidfd], [], [], 0)[0]
    # A child that the supervisor has forked but not yet turned into a program has its command line, too.
    if folder is None or not alive or below not in ([], ["1"]):
        return None
    return Supervisor(pid, pidfd, folder, below == ["1"], _namespace(Path(f"/proc/{pid}")))


def _folder_of(pid: str) -> Path | None:
    words = _words(pid)
    module = MODULE.encode()
    if module not in words[1:-1] or words[words.index(module) - 1] != b"-m":
        return None
    return Path(os.fsdecode(words[words.index(module) + 1]))


def _words(pid: str) -> list[bytes]:
    """The command line; empty for a process that has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
    return []


def _belongs(process: Path, supervisor: Supervisor) -> bool:
    """Whether a process is alive and the supervisor's child, or in its pid namespace."""
    try:
        state, parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
        inside = process.name != str(supervisor.pid) and _namespace(process) == supervisor.namespace
    except OSError:
        return False
    return int(parent) == supervisor.pid or (inside and state not in "ZX")


def _namespace(process: Path) -> int:
    """The inode of its pid namespace; 0 if it has none any more."""
    with contextlib.suppress(OSError):
        return (process / "ns/pid").stat().st_ino
    return 0


def _namespace_pids(pid: int) -> list[str]:
    """The process's number in this pid namespace and in each one below it (proc_pid_status(5), NSpid)."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return line.split()[1:]
    return []
