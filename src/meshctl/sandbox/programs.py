"""Programs under the supervisor: started where they belong, started again with back-off, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import stat
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from meshctl.sandbox import children, container, kernel
from meshctl.sandbox.children import Child, ChildFailed, Children
from meshctl.sandbox.wire import Message, Mount, Program

Notify = Callable[[Message], None]


class Place:
    """Where a program runs: `pids` is the pidfd whose pid namespace it is born in, `enter` moves it there."""

    def __init__(self, pids: int | None, enter: Callable[[], None]) -> None:
        self.pids = pids
        self.enter = enter


class Running:
    """One program and the task that keeps it going; its place is asked for anew at each start."""

    def __init__(self, program: Program, crew: Children, place: Callable[[Program], Place], notify: Notify) -> None:
        self.program = program
        self.starts = 0
        self.state = "starting"
        self.status: int | None = None
        self.reason = ""
        self.since = time.time()
        self._crew = crew
        self._place = place
        self._notify = notify
        self._child: Child | None = None
        self._stdio: tuple[int, ...] = ()
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    def start(self, stdio: Sequence[int] = ()) -> None:
        """Begin; `stdio` are three open files for a program that runs once and talks to someone."""
        self._stdio = tuple(stdio)
        self._task = asyncio.create_task(self._keep_going())

    @property
    def pid(self) -> int | None:
        """The process now, as the supervisor numbers it."""
        return self._child.pid if self._child else None

    def describe(self) -> Message:
        """What `list` says about it."""
        return {
            "name": self.program.name,
            "node": self.program.node,
            "pod": self.program.pod,
            "state": self.state,
            "pid": self.pid,
            "starts": self.starts,
            "status": self.status,
            "reason": self.reason,
            "since": self.since,
        }

    @property
    def ended(self) -> bool:
        """Whether it will not be started again."""
        return self._task is None or self._task.done()

    def hurry(self) -> None:
        """Cut a back-off short."""
        self._wake.set()

    def signal(self, number: int) -> None:
        """Send a signal to the program and what it started in its process group."""
        if self._child and not self._child.exit.done():
            try:
                os.killpg(self._child.pid, number)
            except ProcessLookupError:
                # Too young to lead a group, or a zombie that is about to be reaped: ours in both cases.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._child.pid, number)

    async def stop(self) -> None:
        """End it for good: the stop signal, then SIGKILL after the grace time."""
        child, task = self._child, self._task
        if task:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if child and not child.exit.done():
            await self._end(child)
        self._child = None
        self._become("stopped")

    async def _end(self, child: Child) -> None:
        self.signal(self.program.stop_signal)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(child.exit), self.program.grace)
        self.signal(signal.SIGKILL)
        self.status = await child.exit
        _end_group(child.pid)

    async def _keep_going(self) -> None:
        pause = self.program.backoff
        while True:
            begun = time.monotonic()
            await self._run_once()
            if self.program.restart == "never" or (self.program.restart == "on-failure" and self.status == 0):
                return
            if time.monotonic() - begun >= self.program.backoff_limit:
                pause = self.program.backoff
            self._become("backing off")
            await self._rest(pause)
            pause = min(pause * 2, self.program.backoff_limit)

    async def _run_once(self) -> None:
        self.starts += 1
        try:
            self._child = self._fork()
            await self._child.started()
            self._hang_up()
            self._become("running")
            # Shielded: the future is the reaper's, and outlives this task's cancellation.
            self.status = await asyncio.shield(self._child.exit)
            self.reason = f"signal {-self.status}" if self.status < 0 else f"status {self.status}"
            _end_group(self._child.pid)
        except (ChildFailed, OSError) as error:
            self.status, self.reason = 127, str(error)
        finally:
            self._hang_up()
        self._child = None
        self._become("ended")

    def _hang_up(self) -> None:
        """Leave the files of whoever it talks to, or they would never see its end."""
        for descriptor in self._stdio:
            os.close(descriptor)
        self._stdio = ()

    async def _rest(self, seconds: float) -> None:
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)

    def _become(self, state: str) -> None:
        self.state, self.since = state, time.time()
        self._notify({"program": self.describe()})

    def _fork(self) -> Child:
        place = self._place(self.program)
        return self._crew.fork(lambda: _become_program(self.program, place, self._stdio), place.pids)


def _end_group(leader: int) -> None:
    """What a program started goes with it, unless it made itself independent."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _become_program(program: Program, place: Place, stdio: tuple[int, ...]) -> None:
    os.setsid()
    children.stdio(*(stdio or _log(program)))
    if os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    # The sources are paths of the fabric, the targets are paths of the node or container.
    own = program.root == "container" and not program.beside
    above = container.hidden(program.mounts) if own else ()
    mounts = [(kernel.clone_mount(one.source), one) for one in (*program.mounts, *above)]
    place.enter()
    if own:
        container.enter(program.mounts)
    elif mounts:
        kernel.unshare(kernel.CLONE_NEWNS)
    _attach(mounts)
    os.chdir(program.folder)
    if program.node:
        kernel.drop_machine_capabilities()
    if program.uid or program.gid:
        os.setgroups([])
        os.setgid(program.gid)
        os.setuid(program.uid)
    children.execute(program.argv, program.environment)


def _log(program: Program) -> tuple[int, int, int]:
    nothing = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    if not program.log:
        return nothing, nothing, nothing
    Path(program.log).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = os.open(program.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    # A program may open /dev/stdout anew, as the user that it is by then.
    os.fchown(log, program.uid, program.gid)
    return nothing, log, log


def _make_place(descriptor: int, target: Path) -> None:
    """One mount may cover the place that was made for the next."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        target.mkdir()
    else:
        target.touch()


def _attach(mounts: Sequence[tuple[int, Mount]]) -> None:
    for descriptor, one in mounts:
        _make_place(descriptor, Path(one.target))
        kernel.attach_mount(descriptor, one.target)
        if one.read_only:
            flags = kernel.MS_BIND | kernel.MS_REMOUNT | kernel.MS_RDONLY
            kernel.mount("", one.target, "", flags | kernel.MS_NOSUID | kernel.MS_NODEV)
