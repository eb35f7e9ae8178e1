"""Which HTTP version an upstream cluster speaks, and the limits of its HTTP connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.xds import duration
from meshctl.sandbox.xds.message import Json, message, typed
from meshctl.sandbox.xds.service import Port

OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_EXPLICIT, _HTTP2 = "explicit_http_config", "http2_protocol_options"
Pool = Mapping[str, Any]


def upstream(port: Port, pool: Pool, *, sniffs: bool, upgrades: bool) -> Json:
    """The choice of the upstream's HTTP version; empty where Envoy's HTTP/1.1 does.

    `sniffs`: a sidecar, which follows the downstream's version on ports of undeclared protocol. `upgrades`:
    whether the mesh or the rule wants HTTP/2.
    """
    if (pool.get("http") or {}).get("useClientProtocol"):
        return follow_downstream()
    if port.protocol.is_http2:
        return {_EXPLICIT: {_HTTP2: _http2_limits(pool)}}
    if sniffs and port.protocol.is_unsupported:
        return follow_downstream()
    return {_EXPLICIT: {_HTTP2: _http2_limits(pool)}} if upgrades else {}


def follow_downstream() -> Json:
    """HTTP/1.1 or HTTP/2 upstream as downstream."""
    return {"use_downstream_protocol_config": {"http_protocol_options": {}, _HTTP2: {}}}


def is_http2(choice: Json) -> bool:
    """Whether the upstream always speaks HTTP/2."""
    return _HTTP2 in choice.get(_EXPLICIT, {})


def upgrades(port: Port, pool: Pool, *, mesh_upgrades: bool) -> bool:
    """Whether `h2UpgradePolicy` makes the upstream HTTP/2 (Istio shouldH2Upgrade)."""
    http = pool.get("http") or {}
    policy = http.get("h2UpgradePolicy") or "DEFAULT"
    if http.get("useClientProtocol") or policy == "DO_NOT_UPGRADE":
        return False
    return policy == "UPGRADE" or (mesh_upgrades and port.protocol.is_http)


def extension(choice: Json, common: Json | None, tls: Json | None) -> Json | None:
    """The `typed_extension_protocol_options` of a cluster; None if everything is Envoy's default."""
    if not choice and common is None and tls is None:
        return None
    version = choice or {_EXPLICIT: {"http_protocol_options": {}}}
    options = typed(OPTIONS, common_http_protocol_options=common, upstream_http_protocol_options=tls)
    return {OPTIONS: options | version}


def common_limits(pool: Pool) -> Json | None:
    """Limits of HTTP connections of any version; None if the pool states none."""
    http, tcp = pool.get("http") or {}, pool.get("tcp") or {}
    limits = message(
        idle_timeout=duration.proto(http.get("idleTimeout") or tcp.get("idleTimeout")),
        max_requests_per_connection=http.get("maxRequestsPerConnection") or None,
        max_connection_duration=duration.proto(tcp.get("maxConnectionDuration")),
    )
    # Istio writes the empty message too when only HTTP/2 limits are stated.
    return limits if limits or _http2_limits(pool) else None


def _http2_limits(pool: Pool) -> Json:
    http = pool.get("http") or {}
    keepalive = http.get("http2KeepAlive")
    return message(
        max_concurrent_streams=http.get("maxConcurrentStreams") or None,
        connection_keepalive=None if keepalive is None else _keepalive(keepalive),
    )


def _keepalive(settings: Mapping[str, Any]) -> Json:
    return message(interval=duration.proto(settings.get("interval")), timeout=duration.proto(settings.get("timeout")))
