"""`python -m meshctl.sandbox.nginx [-c FILE] [-g DIRECTIVES]`: serves until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import signal
import ssl
import sys
from pathlib import Path

from meshctl.sandbox.nginx import configuration
from meshctl.sandbox.nginx.configuration import DEFAULT, BadConfiguration, Server
from meshctl.sandbox.nginx.serving import Site

CONFIGURATION = Path("/etc/nginx/nginx.conf")


def main(arguments: list[str]) -> int:
    """Exit status 1 if the configuration can't be used, as nginx's."""
    parser = argparse.ArgumentParser(prog="nginx", description=__doc__)
    parser.add_argument("-c", dest="path", type=Path, default=CONFIGURATION)
    parser.add_argument("-g", dest="directives", default="")
    parser.add_argument("-s", dest="signal", default="")
    given = parser.parse_args(arguments)
    text = given.path.read_text() if given.path.exists() else DEFAULT
    try:
        servers = configuration.servers(text)
        asyncio.run(_serve(servers))
    except (BadConfiguration, OSError) as error:
        sys.stderr.write(f"nginx: [emerg] {error} in {given.path}\n")
        return 1
    return 0


async def _serve(servers: tuple[Server, ...]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        loop.add_signal_handler(number, stop.set)
    listening = [
        await asyncio.start_server(Site(server).converse, "0.0.0.0", port, ssl=_context(server) if tls else None)
        for server in servers
        for port, tls in server.ports
    ]
    await stop.wait()
    for one in listening:
        one.close()


def _context(server: Server) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(server.certificate, server.key)
    if server.authority:
        context.load_verify_locations(server.authority)
    if server.verify != "off":
        # Without a certificate nginx answers 400, it does not end the handshake.
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
