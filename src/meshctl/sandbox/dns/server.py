"""Answers by UDP and TCP, from the file as it is at the moment."""

from __future__ import annotations

import os
import selectors
import socket
import sys

from meshctl.sandbox.dns import message, zone
from meshctl.sandbox.dns.message import Malformed
from meshctl.sandbox.dns.zone import EMPTY

TCP_SECONDS = 5.0
CONNECTIONS = 64


class Names:
    """The zone in a file, read again whenever the file is another."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._stamp: tuple[int, int] = 0, 0
        self._zone = EMPTY

    def answer(self, query: bytes, stream: bool) -> bytes:
        """The response to a query; empty if it deserves none. By a stream there is no limit."""
        try:
            question = message.parse(query)
        except Malformed:
            return message.failure(query, message.FORMAT_ERROR)
        try:
            return zone.answer(self._current(), question, 0 if stream else question.size or message.SMALLEST)
        except ValueError as error:
            _log(f"{question.name}: {error}")
            return message.failure(query, message.SERVER_FAILURE)

    def _current(self) -> zone.Zone:
        try:
            # `pathlib` and `logging` would cost every node more memory than all its names.
            found = os.stat(self._path)  # noqa: PTH116
            stamp = found.st_mtime_ns, found.st_ino
            if stamp != self._stamp:
                with open(self._path, encoding="utf-8") as file:  # noqa: PTH123
                    self._zone, self._stamp = zone.load(file.read()), stamp
        except (OSError, ValueError, TypeError) as error:
            _log(f"{self._path}: {error}")
        return self._zone


class Server:
    """One UDP and one TCP socket of an address, and the connections of the moment."""

    def __init__(self, address: str, port: int, names: Names) -> None:
        self._names = names
        self._selector = selectors.DefaultSelector()
        self._pending: dict[socket.socket, bytearray] = {}
        self.port = port
        self._datagrams = self._open(socket.SOCK_DGRAM, address)
        try:
            self._listener = self._open(socket.SOCK_STREAM, address)
        except OSError:
            self._datagrams.close()
            raise
        self._listener.listen(CONNECTIONS)
        self._selector.register(self._datagrams, selectors.EVENT_READ, self._receive)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def _open(self, kind: int, address: str) -> socket.socket:
        made = socket.socket(socket.AF_INET, kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((address, self.port))
        except OSError:
            made.close()
            raise
        made.setblocking(False)
        self.port = made.getsockname()[1]
        return made

    def serve(self) -> None:
        """Answer for ever."""
        while True:
            self.step()

    def step(self, seconds: float | None = None) -> None:
        """Answer whoever has asked, or whoever does first."""
        for key, _ in self._selector.select(seconds):
            key.data(key.fileobj)

    def close(self) -> None:
        """Stop listening."""
        for one in (self._datagrams, self._listener, *self._pending):
            one.close()
        self._selector.close()

    def _receive(self, connection: socket.socket) -> None:
        try:
            query, peer = connection.recvfrom(message.LARGEST)
            if response := self._names.answer(query, stream=False):
                connection.sendto(response, peer)
        except OSError as error:
            _log(f"a query by UDP: {error}")

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError as error:
            _log(f"a connection: {error}")
            return
        if len(self._pending) >= CONNECTIONS:
            # The oldest has had its time.
            self._drop(next(iter(self._pending)))
        connection.setblocking(False)
        self._pending[connection] = bytearray()
        self._selector.register(connection, selectors.EVENT_READ, self._read)

    def _read(self, connection: socket.socket) -> None:
        buffer = self._pending[connection]
        try:
            received = connection.recv(message.LARGEST)
            buffer += received
            while received and len(buffer) >= 2 and len(buffer) >= 2 + (length := int.from_bytes(buffer[:2], "big")):
                response = self._names.answer(bytes(buffer[2 : 2 + length]), stream=True)
                del buffer[: 2 + length]
                connection.settimeout(TCP_SECONDS)
                connection.sendall(len(response).to_bytes(2, "big") + response)
                connection.setblocking(False)
        except OSError as error:
            _log(f"a query by TCP: {error}")
            received = b""
        if not received:
            self._drop(connection)

    def _drop(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        del self._pending[connection]
        connection.close()


def _log(text: str) -> None:
    sys.stderr.write(f"{text}\n")
