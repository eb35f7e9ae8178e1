"""The port of 127.0.0.1 at which people find the sandbox's web page."""

from __future__ import annotations

from meshctl.errors import UsageError
from meshctl.sandbox.control import Control

FIRST, COUNT = 8080, 20


def lead(sandbox: Control, address: str, port: int) -> int:
    """Make the entrance lead to `address:port` in the fabric, and return it.

    It is the one that there is, else the first free port from 8080 on; any other if none of these is.
    """
    ports = range(FIRST, FIRST + COUNT)
    for one in sandbox.status()["forwards"]:
        if one["port"] in ports:
            if (one["address"], one["to"]) == (address, port):
                return int(one["port"])
            # What it leads to has moved.
            sandbox.unforward(one["address"], one["to"])
            return sandbox.forward(address, port, one["port"])
    for listen in ports:
        try:
            return sandbox.forward(address, port, listen)
        except UsageError:
            continue
    return sandbox.forward(address, port)
