"""A small HTTP/1.1 server: one thread for each connection."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import BinaryIO

from meshctl.sandbox.bookinfo.httpmessage import BadMessage, Closed, Request, Response, read_request

BACKLOG = 1024
STACK_BYTES = 256 * 1024
QUIET_PATHS = ("/health",)
LINGER_SECONDS, LINGER_READS = 1.0, 64


class HangUp(Exception):
    """Raised by a handler that gives no answer: the connection is closed."""


Handler = Callable[[Request], Response]


class Server:
    """Listens from its making on; `serve` answers until `stop`, `drain` waits for what is in flight.

    With a `name` every answer names it in `x-served-by`, before those of the servers asked on the way.
    """

    def __init__(self, host: str, port: int, handler: Handler, name: str = "") -> None:
        threading.stack_size(STACK_BYTES)
        self._listener = _listen(host, port)
        self._handler = handler
        self._name = name
        self._stopping = self._closed = False
        self._busy = 0
        self._changed = threading.Condition()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Serves in the background, until the process ends or `stop`."""
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while not self._closed:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                # The listener was closed, or the machine is out of descriptors for a moment.
                time.sleep(0.01)
                continue
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def stop(self, grace: float = 0.0) -> None:
        """Keeps no connection alive, and accepts none after `grace` seconds: proxies hear of it a moment later."""
        self._stopping = True
        threading.Timer(grace, self._close).start()

    def _close(self) -> None:
        self._closed = True
        # Closing alone would leave accept() waiting.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def drain(self, seconds: float) -> bool:
        """Whether every request in flight ended within that time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._busy == 0, seconds)

    def _converse(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, Closed, HangUp), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection.makefile("rb") as stream:
                while self._answer_next(connection, stream):
                    pass

    def _answer_next(self, connection: socket.socket, stream: BinaryIO) -> bool:
        """Answers one request; whether another may follow."""
        try:
            request = read_request(stream)
        except BadMessage as error:
            _refuse(connection, str(error))
            return False
        with self._changed:
            self._busy += 1
        try:
            response = self._signed(self._handler(request))
            self._log(request, response)
            keep_alive = request.keeps_alive and not self._stopping
            connection.sendall(response.encoded(keep_alive, with_body=request.method != "HEAD"))
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()
        return keep_alive

    def _signed(self, response: Response) -> Response:
        if not self._name:
            return response
        asked = response.headers.get("x-served-by")
        signature = f"{self._name}, {asked}" if asked else self._name
        headers = {**response.headers, "x-served-by": signature}
        return Response(response.status, response.body, response.content_type, headers)

    def _log(self, request: Request, response: Response) -> None:
        if request.path not in QUIET_PATHS:
            sys.stdout.write(f"{request.method} {request.target} {response.status}\n")
            sys.stdout.flush()


def _refuse(connection: socket.socket, reason: str) -> None:
    """Says what is wrong; then reads on for a moment, since closing on unread bytes would take the answer back."""
    connection.sendall(Response(400, f"{reason}\n".encode(), "text/plain").encoded(keep_alive=False))
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(LINGER_SECONDS)
    for _ in range(LINGER_READS):
        if not connection.recv(65536):
            return


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(BACKLOG)
    return listener
