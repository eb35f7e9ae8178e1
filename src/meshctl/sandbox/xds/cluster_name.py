"""Names of Envoy clusters, and the SNI that carries one through an east-west gateway."""

from __future__ import annotations

BLACK_HOLE = "BlackHoleCluster"
PASSTHROUGH = "PassthroughCluster"
INBOUND_PASSTHROUGH = "InboundPassthroughCluster"


def outbound(port: int, subset: str, host: str) -> str:
    """`outbound|9080|v1|host`."""
    return f"outbound|{port}|{subset}|{host}"


def sni(port: int, subset: str, host: str) -> str:
    """`outbound_.9080_.v1_.host`, a valid DNS name."""
    return f"outbound_.{port}_.{subset}_.{host}"


def inbound(port: int) -> str:
    """`inbound|9080||`, by the port where the workload listens."""
    return f"inbound|{port}||"
