"""Limits of an upstream cluster's connections: `connectionPool` of a DestinationRule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.xds import duration
from meshctl.sandbox.xds.mesh_config import MeshConfig
from meshctl.sandbox.xds.message import Json, message

UNLIMITED = 2**32 - 1
_RETRY_PERCENT, _RETRY_CONCURRENCY = 20, 3
Settings = Mapping[str, Any]


def fields(pool: Settings, retry_budget: Settings | None, mesh: MeshConfig) -> Json:
    """The cluster's fields: connect_timeout, circuit_breakers, upstream_connection_options."""
    tcp = pool.get("tcp") or {}
    return message(
        connect_timeout=duration.proto(tcp.get("connectTimeout") or mesh.connect_timeout),
        circuit_breakers={"thresholds": [_thresholds(pool, retry_budget)]},
        upstream_connection_options=_keepalive(mesh.tcp_keepalive, tcp.get("tcpKeepalive")),
    )


def _thresholds(pool: Settings, retry_budget: Settings | None) -> Json:
    tcp, http = pool.get("tcp") or {}, pool.get("http") or {}
    return message(
        max_connections=tcp.get("maxConnections") or UNLIMITED,
        max_pending_requests=http.get("http1MaxPendingRequests") or UNLIMITED,
        max_requests=http.get("http2MaxRequests") or UNLIMITED,
        max_retries=http.get("maxRetries") or UNLIMITED,
        retry_budget=None if retry_budget is None else _retry_budget(retry_budget),
    )


def _retry_budget(settings: Settings) -> Json:
    percent = settings.get("percent")
    return message(
        budget_percent=message(value=(_RETRY_PERCENT if percent is None else percent) or None),
        budget_interval=duration.proto(settings.get("budgetInterval")),
        min_retry_concurrency=settings.get("minRetryConcurrency") or _RETRY_CONCURRENCY,
    )


def _keepalive(mesh: Settings | None, own: Settings | None) -> Json | None:
    """TCP keep-alive of the rule over that of the mesh, field by field; an empty one switches it on."""
    if mesh is None and own is None:
        return None
    settings = {**(mesh or {}), **(own or {})}
    return {
        "tcp_keepalive": message(
            keepalive_probes=settings.get("probes") or None,
            keepalive_time=_seconds(settings.get("time")),
            keepalive_interval=_seconds(settings.get("interval")),
        )
    }


def _seconds(text: str | None) -> int | None:
    return None if text is None else duration.nanoseconds(text) // 10**9
