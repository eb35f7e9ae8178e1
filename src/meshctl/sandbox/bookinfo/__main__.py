"""Runs one of Bookinfo's servers until SIGTERM, then lets the requests in flight end."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module

from meshctl.sandbox.bookinfo.fault import NONE, BadFault, Switch, with_fault
from meshctl.sandbox.bookinfo.httpserver import Handler, Server
from meshctl.sandbox.bookinfo.settings import BadSettings, Settings, read_settings

SERVICES = ("productpage", "details", "reviews", "ratings")
LOOPBACK = "127.0.0.1"
# Longer than the proxy beside it goes on.
GRACE_SECONDS = 2.0
DRAIN_SECONDS = 5.0


def main(argv: list[str]) -> int:
    """Exit code 2 for a wrong call or environment."""
    if len(argv) not in (1, 2) or argv[0] not in SERVICES or not all(part.isdecimal() for part in argv[1:]):
        sys.stderr.write(f"usage: python -m meshctl.sandbox.bookinfo {'|'.join(SERVICES)} [PORT]\n")
        return 2
    try:
        settings = read_settings(argv[0], os.environ)
        switch = Switch.for_version(settings.version, os.environ.get("FAULT", ""))
    except (BadSettings, BadFault) as error:
        sys.stderr.write(f"{argv[0]}: {error}\n")
        return 2
    run(settings, switch, int(argv[1]) if argv[1:] else settings.port)
    return 0


def service_handler(settings: Settings) -> Handler:
    """The service's own handler; only its module is loaded, which keeps the small servers small."""
    module = import_module(f"meshctl.sandbox.bookinfo.{settings.service}")
    handler: Handler = module.handler(settings)
    return handler


def run(settings: Settings, switch: Switch, port: int) -> None:
    handler = with_fault(switch, service_handler(settings))
    server = Server("", port, handler, name=settings.served_by)
    signal.signal(signal.SIGTERM, lambda *_: server.stop(GRACE_SECONDS))
    signal.signal(signal.SIGINT, lambda *_: server.stop())
    if settings.fault_port:
        Server(LOOPBACK, settings.fault_port, switch.handle).start()
    sys.stdout.write(f"{settings.service} {settings.version} listens on port {server.port}\n")
    sys.stdout.flush()
    server.serve()
    # Requests that a fault holds would hold the server, too.
    switch.set(NONE)
    server.drain(DRAIN_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
