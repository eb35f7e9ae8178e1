"""One client of the control socket: lines and open files come in, lines go out, nothing ever blocks."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from meshctl.sandbox.wire import Message

MAX_LINE = 16 << 20
MAX_BACKLOG = 64 << 20
MAX_FILES = 8
CHUNK = 1 << 16

Receive = Callable[["Connection", bytes, tuple[int, ...]], None]


class Connection:
    """Calls `receive` with each line and the files that came with it; `closed` is done when the peer hung up."""

    def __init__(self, peer: socket.socket, receive: Receive) -> None:
        self._loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[None] = self._loop.create_future()
        self._peer = peer
        self._receive = receive
        self._incoming = bytearray()
        self._outgoing = bytearray()
        self._files: list[int] = []
        self._loop.add_reader(peer, self._read)

    def send(self, message: Message) -> None:
        """Queue a line; lost if the peer is gone."""
        if self.closed.done():
            return
        self._outgoing += json.dumps(message).encode() + b"\n"
        if len(self._outgoing) > MAX_BACKLOG:
            # It asked and does not listen.
            self._close()
        else:
            self._write()

    def _read(self) -> None:
        try:
            data, files, _, _ = socket.recv_fds(self._peer, CHUNK, MAX_FILES)
        except BlockingIOError:
            return
        except OSError:
            data, files = b"", []
        self._files += files
        for descriptor in files:
            os.set_inheritable(descriptor, False)
        self._incoming += data
        if not data or len(self._incoming) > MAX_LINE:
            self._close()
            return
        while b"\n" in self._incoming:
            line, _, rest = bytes(self._incoming).partition(b"\n")
            self._incoming = bytearray(rest)
            files, self._files = self._files, []
            self._receive(self, line, tuple(files))

    def _write(self) -> None:
        try:
            del self._outgoing[: self._peer.send(self._outgoing)]
        except BlockingIOError:
            pass
        except OSError:
            self._close()
            return
        if self._outgoing:
            self._loop.add_writer(self._peer, self._write)
        else:
            self._loop.remove_writer(self._peer)

    def _close(self) -> None:
        if self.closed.done():
            return
        self._loop.remove_reader(self._peer)
        self._loop.remove_writer(self._peer)
        self._peer.close()
        for descriptor in self._files:
            os.close(descriptor)
        self.closed.set_result(None)


@contextmanager
def short(path: Path) -> Iterator[str]:
    """Another path to a socket: its own may not exceed 107 bytes (unix(7))."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
