"""Forking from the supervisor: every child, and the orphans that the first process of a pid namespace inherits."""

from __future__ import annotations

import asyncio
import os
import signal
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from meshctl.sandbox import kernel

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ChildFailed(Exception):
    """A child could not become what it should have become; the text says at what."""


@dataclass(frozen=True, slots=True)
class Child:
    """A forked process: `exit` will hold its status (negative: the signal), `speech` is why it could not start."""

    pid: int
    exit: asyncio.Future[int]
    speech: asyncio.Future[bytes]

    async def started(self) -> None:
        """Wait until it has become its program; ChildFailed if it could not."""
        if text := await self.speech:
            raise ChildFailed(text.decode(errors="replace"))


class Children:
    """Forks, and reaps whatever ends."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._exits: dict[int, asyncio.Future[int]] = {}
        self._own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        loop.add_signal_handler(signal.SIGCHLD, self._reap)

    def fork(self, become: Callable[[], None], pids: int | None = None, new_pids: bool = False) -> Child:
        """Fork a child that calls `become`, which must end in exec.

        The child is born in the pid namespace of the process behind the pidfd `pids`, or is the first of a new one.
        """
        reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signals = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self._choose_pid_namespace(pids, new_pids)
            pid = os.fork()
            if pid == 0:
                _live(become, writer, signals)
        finally:
            kernel.setns(self._own_pids, kernel.CLONE_NEWPID)
            signal.pthread_sigmask(signal.SIG_SETMASK, signals)
            os.close(writer)
        self._exits[pid] = self._loop.create_future()
        return Child(pid, self._exits[pid], self._until_closed(reader))

    async def run(self, argv: Sequence[str], text: str = "", enter: Callable[[], None] = lambda: None) -> str:
        """Run a short command of the machine's to its end and return its output; ChildFailed with it if it fails."""
        source, sink = memory(text), memory("")

        def become() -> None:
            enter()
            stdio(source, sink, sink)
            execute(argv, {"PATH": PATH, "LC_ALL": "C"})

        try:
            child = self.fork(become)
            await child.started()
            status = await child.exit
            output = os.pread(sink, 1 << 20, 0).decode(errors="replace").strip()
        finally:
            os.close(source)
            os.close(sink)
        if status:
            raise ChildFailed(f"{' '.join(argv)}: status {status}: {output}")
        return output

    @staticmethod
    def _choose_pid_namespace(pids: int | None, new_pids: bool) -> None:
        if pids is not None:
            kernel.setns(pids, kernel.CLONE_NEWPID)
        if new_pids:
            kernel.unshare(kernel.CLONE_NEWPID)

    def _until_closed(self, reader: int) -> asyncio.Future[bytes]:
        closed: asyncio.Future[bytes] = self._loop.create_future()
        received = bytearray()

        def read() -> None:
            if chunk := os.read(reader, 65536):
                received.extend(chunk)
                return
            self._loop.remove_reader(reader)
            os.close(reader)
            if not closed.done():
                closed.set_result(bytes(received))

        self._loop.add_reader(reader, read)
        return closed

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            future = self._exits.pop(pid, None)
            if future and not future.done():
                future.set_result(os.waitstatus_to_exitcode(status))


def memory(text: str) -> int:
    """An anonymous file that holds the text, at its start."""
    descriptor = os.memfd_create("meshctl", os.MFD_CLOEXEC)
    os.write(descriptor, text.encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def stdio(*descriptors: int) -> None:
    """Make these the standard input, output and error."""
    # Moved out of the way first: one of them may be 0, 1 or 2 itself.
    for target, descriptor in enumerate([os.dup(one) for one in descriptors]):
        os.dup2(descriptor, target, inheritable=True)


def execute(argv: Sequence[str], environment: Mapping[str, str]) -> None:
    """Become the program, found along the environment's PATH."""
    os.execvpe(argv[0], list(argv), {"PATH": PATH, **environment})


def _live(become: Callable[[], None], writer: int, signals: set[int | signal.Signals]) -> None:
    """The child's whole life before exec; it must never return into the supervisor's loop."""
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, signals)
        become()
    except OSError as error:
        os.write(writer, str(error).encode())
    except BaseException:  # noqa: BLE001 # nothing may unwind into the parent's event loop
        os.write(writer, traceback.format_exc().encode())
    finally:
        os._exit(127)
