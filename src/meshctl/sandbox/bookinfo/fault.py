"""Switches that make a server fail on purpose: answer with an error, late, or not at all.

Set at start by the environment variable FAULT, and later, inside the pod, on a port that only its loopback reaches:

    curl -X PUT -d 'status=503&share=0.5' 127.0.0.1:9081/fault
    curl -X PUT -d 'delay=7' 127.0.0.1:9081/fault          curl -X PUT -d 'hang=true' 127.0.0.1:9081/fault
    curl 127.0.0.1:9081/fault                              curl -X DELETE 127.0.0.1:9081/fault

`share` is the part of requests that fail, `path` a prefix of those that may. Health checks never fail.
"""

from __future__ import annotations

import os
import threading
from typing import NamedTuple

from meshctl.sandbox.bookinfo.httpmessage import Request, Response
from meshctl.sandbox.bookinfo.httpserver import Handler, HangUp

HEALTH = "/health"
# Upstream's ratings come in versions that fail by themselves (samples/bookinfo/src/ratings/ratings.js).
BY_VERSION = {"v-faulty": "status=503&share=0.5", "v-delayed": "delay=7&share=0.5"}
LONGEST_DELAY = 3600.0
# Whoever waits longer has given up; the connection and its thread need not stay.
LONGEST_HANG = 120.0


class BadFault(ValueError):
    """A fault that is not understood."""


class Fault(NamedTuple):
    """What happens to `share` of the requests below `path`; after a delay alone the answer is the usual one."""

    status: int = 0
    delay: float = 0.0
    hang: bool = False
    share: float = 1.0
    path: str = "/"

    def __str__(self) -> str:
        parts = [f"status={self.status}"] if self.status else []
        parts += [f"delay={self.delay:g}"] if self.delay else []
        parts += ["hang=true"] if self.hang else []
        parts += [f"share={self.share:g}"] if self.share != 1 else []
        return "&".join(parts + ([f"path={self.path}"] if self.path != "/" else []))


NONE = Fault()


def parse_fault(text: str) -> Fault:
    """Reads `status=503&share=0.5`; an empty text is no fault. BadFault says what is wrong."""
    if not text.strip():
        return NONE
    from urllib.parse import parse_qsl  # costs every server almost a megabyte

    values = dict(parse_qsl(text.strip(), keep_blank_values=True))
    if unknown := values.keys() - {"status", "delay", "hang", "share", "path"}:
        raise BadFault(f'"{sorted(unknown)[0]}" is none of status, delay, hang, share, path')
    if not values:
        raise BadFault(f'"{text.strip()}" is not of the form status=503&share=0.5')
    return Fault(
        status=int(_number(values, "status", 0, 200, 599)) if "status" in values else 0,
        delay=_number(values, "delay", 0, 0, LONGEST_DELAY),
        hang=values.get("hang", "false").lower() == "true",
        share=_number(values, "share", 1, 0, 1),
        path=values.get("path", "/"),
    )


def _number(values: dict[str, str], name: str, default: float, least: float, most: float) -> float:
    text = values.get(name, str(default))
    try:
        number = float(text.removesuffix("s"))
    except ValueError as error:
        raise BadFault(f'{name} is "{text}", expected a number') from error
    if name in values and not least <= number <= most:
        raise BadFault(f"{name} is {text}, expected {least:g} to {most:g}")
    return number


class Switch:
    """The fault in force; changing it lets go of every request that it holds."""

    def __init__(self, fault: Fault = NONE) -> None:
        self._fault = fault
        self._changed = threading.Condition()

    @staticmethod
    def for_version(version: str, text: str) -> Switch:
        """The switch as a server starts with it: FAULT's, or else its version's own."""
        return Switch(parse_fault(text or BY_VERSION.get(version, "")))

    @property
    def fault(self) -> Fault:
        return self._fault

    def set(self, fault: Fault) -> None:
        with self._changed:
            self._fault = fault
            self._changed.notify_all()

    def hold(self, seconds: float) -> None:
        """Waits that long, or until the fault changes."""
        fault = self._fault
        with self._changed:
            self._changed.wait_for(lambda: self._fault is not fault, seconds)

    def handle(self, request: Request) -> Response:
        """Answers the requests to the switch itself."""
        if request.path != "/fault":
            return Response(404, b"try /fault\n", "text/plain")
        if request.method in ("PUT", "POST"):
            try:
                self.set(parse_fault(request.body.decode("utf-8", "replace")))
            except BadFault as error:
                return Response(400, f"{error}\n".encode(), "text/plain")
        elif request.method == "DELETE":
            self.set(NONE)
        elif request.method != "GET":
            return Response(405, b"GET, PUT or DELETE\n", "text/plain")
        return Response(200, f"{self._fault}\n".encode(), "text/plain")


def with_fault(switch: Switch, handler: Handler) -> Handler:
    """The handler behind the switch."""

    def handle(request: Request) -> Response:
        fault = switch.fault
        if fault is NONE or not _hits(fault, request):
            return handler(request)
        if fault.hang:
            switch.hold(LONGEST_HANG)
            raise HangUp
        if fault.delay:
            switch.hold(fault.delay)
        return Response(fault.status, b'{"error":"fault"}') if fault.status else handler(request)

    return handle


def _hits(fault: Fault, request: Request) -> bool:
    may = request.path != HEALTH and request.path.startswith(fault.path)
    return may and (fault.share >= 1 or os.urandom(1)[0] / 256 < fault.share)
