from collections.abc import Callable, Iterator

import pytest

from meshctl.sandbox.bookinfo.httpserver import Handler, Server

Serve = Callable[..., tuple[str, int]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Runs handlers on loopback ports of their own until the test ends."""
    servers = []

    def start(handler: Handler, name: str = "") -> tuple[str, int]:
        server = Server("127.0.0.1", 0, handler, name)
        servers.append(server)
        server.start()
        return "127.0.0.1", server.port

    yield start
    for server in servers:
        server.stop()
