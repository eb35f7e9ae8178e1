"""Asking another server, within a time limit, with the headers that belong to the whole request."""

from __future__ import annotations

import io
import json
import socket
import time
from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple

from meshctl.sandbox.bookinfo.httpmessage import BadMessage, Closed, Request, read_response

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


def forwarded(request: Request) -> dict[str, str]:
    """The headers of a request that its onward requests carry."""
    return {name: request.headers[name] for name in FORWARDED if name in request.headers}


def ask(address: tuple[str, int], path: str, headers: Mapping[str, str], seconds: float) -> Answer:
    """GETs JSON; whatever goes wrong, within `seconds`, is an Answer as well."""
    deadline = time.monotonic() + seconds
    try:
        with socket.create_connection(address, timeout=seconds) as connection:
            lines = [f"GET {path} HTTP/1.1", f"host: {address[0]}:{address[1]}", "accept: application/json"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            connection.sendall("\r\n".join([*lines, "connection: close", "", ""]).encode("latin-1"))
            return _answer(io.BufferedReader(_Hurried(connection, deadline)))
    except (OSError, BadMessage, Closed, ValueError):
        return NO_ANSWER


def _answer(stream: BinaryIO) -> Answer:
    response = read_response(stream)
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
