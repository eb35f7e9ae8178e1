"""A client of the standard library, to hear from others than ourselves whether the servers speak HTTP."""

from __future__ import annotations

import http.client
import json
from typing import Any

from meshctl.sandbox.bookinfo.settings import Settings, read_settings

NOWHERE = ("127.0.0.1", 1)


class Reply:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.text = response.read().decode()

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def request(address: tuple[str, int], method: str, path: str, body: bytes | str = b"", **headers: str) -> Reply:
    connection = http.client.HTTPConnection(*address, timeout=10)
    try:
        spelled = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body or None, spelled)
        return Reply(connection.getresponse())
    finally:
        connection.close()


def get(address: tuple[str, int], path: str, **headers: str) -> Reply:
    return request(address, "GET", path, **headers)


def settings(service: str, version: str = "v1", /, **backends: tuple[str, int]) -> Settings:
    """Settings of a pod on node1 of cluster1; backends that are not given cannot be reached."""
    environment = {"SERVICE_VERSION": version, "POD_NAME": f"{service}-{version}-x", "NODE_NAME": "node1"}
    found = read_settings(service, environment | {"CLUSTER_NAME": "cluster1"})
    return found._replace(backends={name: backends.get(name, NOWHERE) for name in ("details", "reviews", "ratings")})
