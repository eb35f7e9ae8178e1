"""ssh's ProxyCommand: connects inside the fabric and hands the open socket to ssh (ssh_config(5), ProxyUseFdpass)."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from meshctl.errors import MeshctlError
from meshctl.sandbox import enter
from meshctl.sandbox.paths import Paths

SECONDS = 10.0


def main(folder: str, address: str, port: str) -> None:
    """Standard output is a Unix socket whose other end is ssh."""
    try:
        enter.fabric(Paths(Path(folder)))
        connection = socket.create_connection((address, int(port)), SECONDS)
    except (MeshctlError, OSError) as error:
        sys.exit(f"{address}: {error}")
    connection.settimeout(None)
    with socket.socket(fileno=1) as ssh:
        socket.send_fds(ssh, [b"\0"], [connection.fileno()])


if __name__ == "__main__":
    main(*sys.argv[1:])
