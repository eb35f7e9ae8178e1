"""Routes to neighbours: where their pods are now, else where the topology says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from meshctl.operations import neighbours

NODES = {"n1": "10.0.0.1", "n2": "10.0.0.2", "n3": "10.0.0.3"}
LIVE = {"n1": "172.16.9.0/24", "n2": None, "other": "172.16.8.0/24"}


@pytest.fixture
def server() -> Iterator[str]:
    """An API server with LIVE's nodes."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            items = [
                {"metadata": {"name": name}, "spec": {"podCIDR": cidr} if cidr else {}} for name, cidr in LIVE.items()
            ]
            body = json.dumps({"items": items}).encode()
            self.send_response(200 if self.path == "/api/v1/nodes" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listener.server_port}"
        listener.shutdown()


def neighbour(server: str | None, **pods: str) -> dict[str, Any]:
    access = {"server": server, "authority": "", "certificate": "", "key": ""} if server else None
    return {"access": access, "services": {"10.96.0.0/16": "10.0.0.1"}, "nodes": NODES, "pods": pods}


def routes(one: dict[str, Any]) -> list[str]:
    return [str(route) for route in neighbours.routes([one])]


def test_a_nodes_live_pod_cidr_takes_precedence(server: str) -> None:
    found = routes(neighbour(server, n1="172.16.1.0/24", n2="172.16.2.0/24"))
    assert found == ["10.96.0.0/16 via 10.0.0.1", "172.16.2.0/24 via 10.0.0.2", "172.16.9.0/24 via 10.0.0.1"]


@pytest.mark.parametrize("server", [None, "http://127.0.0.1:9"])
def test_without_an_answer_the_topology_holds(server: str | None) -> None:
    assert routes(neighbour(server, n3="172.16.3.0/24")) == ["10.96.0.0/16 via 10.0.0.1", "172.16.3.0/24 via 10.0.0.3"]
