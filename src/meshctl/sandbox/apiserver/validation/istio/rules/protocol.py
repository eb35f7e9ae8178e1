"""The protocols of ports."""

from __future__ import annotations

from meshctl.sandbox.apiserver.validation.istio.problem import Problems, error

_HTTP = frozenset({"http", "http2", "http_proxy", "grpc", "grpc-web"})
_TLS = frozenset({"https", "tls"})
_TCP = frozenset({"tcp", "mongo", "redis", "mysql"}) | _TLS


def is_known(name: str) -> bool:
    """Whether Istio knows the protocol."""
    return name.lower() in _HTTP | _TCP | {"udp"}


def is_http(name: str) -> bool:
    """Whether requests can be told apart in it."""
    return name.lower() in _HTTP


def is_tls(name: str) -> bool:
    """Whether it is encrypted."""
    return name.lower() in _TLS


def is_tcp(name: str) -> bool:
    """Whether it is a plain stream."""
    return name.lower() in _TCP


def known(name: str) -> Problems:
    """A protocol, or none."""
    if name and not is_known(name):
        yield error(f"unsupported protocol: {name}")
