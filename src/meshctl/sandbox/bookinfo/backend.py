"""Asking another server, within a time limit, with the headers that belong to the whole request."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import threading
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from meshctl.sandbox.bookinfo.httpmessage import BadMessage, Closed, Request, Response, read_response

# Upstream's lists (productpage.py and LibertyRestEndpoint.java): tracing, and what identifies the user.
FORWARDED = (
    "x-request-id",
    "x-ot-span-context",
    "x-datadog-trace-id",
    "x-datadog-parent-id",
    "x-datadog-sampling-priority",
    "traceparent",
    "tracestate",
    "x-cloud-trace-context",
    "grpc-trace-bin",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-flags",
    "sw8",
    "end-user",
    "user-agent",
    "cookie",
    "authorization",
    "jwt",
)


class Answer(NamedTuple):
    """Status 0 stands for no answer at all; `value` is the JSON of a 200, else None."""

    status: int
    value: Any = None
    served_by: str = ""


NO_ANSWER = Answer(0)
Address = tuple[str, int]
# As long as a connection may stay with one pod where no proxy chooses a pod for each request.
LIFETIME = 1.0


class _Line(NamedTuple):
    connection: socket.socket
    begun: float


def forwarded(request: Request) -> dict[str, str]:
    """The headers of a request that its onward requests carry."""
    return {name: request.headers[name] for name in FORWARDED if name in request.headers}


class Lines:
    """Connections to other servers, each used again for a moment: proxies and name servers have less to do."""

    def __init__(self) -> None:
        self._free: dict[Address, list[_Line]] = {}
        self._lock = threading.Lock()

    def ask(self, address: Address, path: str, headers: Mapping[str, str], seconds: float) -> Answer:
        """GETs JSON; whatever goes wrong, within `seconds`, is an Answer as well."""
        deadline = time.monotonic() + seconds
        lines = [f"GET {path} HTTP/1.1", f"host: {address[0]}:{address[1]}", "accept: application/json"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        request = "\r\n".join([*lines, "", ""]).encode("latin-1")
        while line := self._taken(address):
            # Its other end may have gone since; then nobody has seen the request.
            with contextlib.suppress(Closed, OSError):
                return self._answer(address, line, request, deadline)
        try:
            return self._answer(address, _dialled(address, deadline), request, deadline)
        except (OSError, Closed):
            return NO_ANSWER

    def _taken(self, address: Address) -> _Line | None:
        with self._lock:
            free = self._free.get(address, [])
            now = time.monotonic()
            while free:
                line = free.pop()
                if now - line.begun < LIFETIME:
                    return line
                line.connection.close()
        return None

    def _answer(self, address: Address, line: _Line, request: bytes, deadline: float) -> Answer:
        """The answer; Closed or OSError if the connection has ended."""
        kept = False
        try:
            line.connection.settimeout(max(0.001, deadline - time.monotonic()))
            line.connection.sendall(request)
            response = read_response(io.BufferedReader(_Hurried(line.connection, deadline)))
            answer = _parsed(response)
            kept = _stays(response)
        except (TimeoutError, BadMessage, ValueError):
            return NO_ANSWER
        finally:
            self._keep(address, line) if kept else line.connection.close()
        return answer

    def _keep(self, address: Address, line: _Line) -> None:
        with self._lock:
            free, now = self._free.setdefault(address, []), time.monotonic()
            for old in [one for one in free if now - one.begun >= LIFETIME]:
                free.remove(old)
                old.connection.close()
            free.append(line)

    def __del__(self) -> None:
        for line in [line for free in self._free.values() for line in free]:
            line.connection.close()


def _dialled(address: Address, deadline: float) -> _Line:
    connection = socket.create_connection(address, timeout=max(0.001, deadline - time.monotonic()))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _Line(connection, time.monotonic())


def _stays(response: Response) -> bool:
    framed = "content-length" in response.headers or "transfer-encoding" in response.headers
    return framed and response.headers.get("connection", "").lower() != "close"


def _parsed(response: Response) -> Answer:
    served_by = response.headers.get("x-served-by", "")
    return Answer(response.status, json.loads(response.body) if response.status == 200 else None, served_by)


class _Hurried(io.RawIOBase):
    """A connection whose reads all end by a deadline: a socket's own timeout starts anew with each byte."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection, self._deadline = connection, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        rest = self._deadline - time.monotonic()
        if rest <= 0:
            raise TimeoutError
        self._connection.settimeout(rest)
        return self._connection.recv_into(buffer)
