"""Rules of connection pools."""

from __future__ import annotations

from meshctl.sandbox.apiserver.validation.istio.decoding import Record
from meshctl.sandbox.apiserver.validation.istio.problem import Problems, error
from meshctl.sandbox.apiserver.validation.istio.rules.duration import duration

_HTTP_COUNTS = {
    "http1MaxPendingRequests": "http1 max pending requests",
    "http2MaxRequests": "http2 max requests",
    "maxRequestsPerConnection": "max requests per connection",
    "maxRetries": "max retries",
}


def connection_pool(pool: Record | None) -> Problems:
    """`connectionPool` of a traffic policy or a sidecar."""
    if pool is None:
        return
    if pool.http is None and pool.tcp is None:
        yield error("connection pool must have at least one field")
    if pool.http is not None:
        yield from _http(pool.http)
    if pool.tcp is not None:
        yield from _tcp(pool.tcp)


def _count(value: int, about: str) -> Problems:
    if value < 0:
        yield error(f"{about} must be non-negative")


def _http(http: Record) -> Problems:
    for field, about in _HTTP_COUNTS.items():
        yield from _count(http[field], about)
    yield from duration(http.idleTimeout)
    if http.h2UpgradePolicy == "UPGRADE" and http.useClientProtocol:
        yield error("use client protocol must not be true when H2UpgradePolicy is UPGRADE")
    yield from _count(http.maxConcurrentStreams, "max concurrent streams")
    if http.http2KeepAlive is not None:
        for field in ("interval", "timeout"):
            if http.http2KeepAlive[field] is None:
                yield error(f"http2 keepalive {field} is required")
            yield from duration(http.http2KeepAlive[field])


def _tcp(tcp: Record) -> Problems:
    yield from _count(tcp.maxConnections, "max connections")
    yield from duration(tcp.connectTimeout)
    yield from duration(tcp.maxConnectionDuration)
    if abs(tcp.idleTimeout or 0) >= 10**6:  # whole milliseconds; none of them turns the timeout off
        yield from duration(tcp.idleTimeout)
    if tcp.tcpKeepalive is not None:
        yield from duration(tcp.tcpKeepalive.time)
        yield from duration(tcp.tcpKeepalive.interval)
