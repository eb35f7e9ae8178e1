"""What a server's environment says, with upstream's names and defaults (samples/bookinfo, Istio 1.30)."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import NamedTuple

PORT = 9080
FAULT_PORT = 9081


class BadSettings(ValueError):
    """An environment variable that cannot be used."""


class Settings(NamedTuple):
    """`pod`, `node` and `cluster` are where the server runs; `backends` maps service names to host and port."""

    service: str
    version: str
    port: int
    fault_port: int
    pod: str
    node: str
    cluster: str
    backends: Mapping[str, tuple[str, int]]
    flood_factor: int
    ratings_enabled: bool
    star_color: str

    @property
    def served_by(self) -> str:
        """The value of the `x-served-by` header: this server, then those that it asked."""
        return f"{self.service}-{self.version}; pod={self.pod}; node={self.node}; cluster={self.cluster}"


def read_settings(service: str, environment: Mapping[str, str]) -> Settings:
    """The settings of one service; BadSettings if a number is none."""
    version = environment.get("SERVICE_VERSION", "v1")
    enabled = environment.get("ENABLE_RATINGS", "false" if version == "v1" else "true")
    return Settings(
        service=service,
        version=version,
        port=_number(environment, "SERVICE_PORT", PORT),
        fault_port=_number(environment, "FAULT_PORT", FAULT_PORT),
        pod=environment.get("POD_NAME") or environment.get("HOSTNAME") or socket.gethostname(),
        node=environment.get("NODE_NAME", ""),
        cluster=environment.get("CLUSTER_NAME", ""),
        backends={name: _backend(environment, name) for name in ("details", "reviews", "ratings")},
        flood_factor=_number(environment, "FLOOD_FACTOR", 0),
        ratings_enabled=enabled.lower() == "true",
        star_color=environment.get("STAR_COLOR", "red" if version == "v3" else "black"),
    )


def _backend(environment: Mapping[str, str], name: str) -> tuple[str, int]:
    host = environment.get(f"{name.upper()}_HOSTNAME", name)
    domain = environment.get("SERVICES_DOMAIN", "")
    return f"{host}.{domain}" if domain else host, _number(environment, f"{name.upper()}_SERVICE_PORT", PORT)


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "")
    if text and not text.isdecimal():
        raise BadSettings(f'{name} is "{text}", expected a number such as {default}')
    return int(text) if text else default
