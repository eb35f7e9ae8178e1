"""Application protocols of service ports and how Kubernetes ports declare them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Protocol(StrEnum):
    """What a port speaks; UNSUPPORTED means undeclared, to be sniffed (Istio pkg/config/protocol)."""

    GRPC = "GRPC"
    GRPC_WEB = "GRPC-Web"
    HTTP = "HTTP"
    HTTP_PROXY = "HTTP_PROXY"
    HTTP2 = "HTTP2"
    HTTPS = "HTTPS"
    TCP = "TCP"
    TLS = "TLS"
    UDP = "UDP"
    MONGO = "Mongo"
    REDIS = "Redis"
    MYSQL = "MySQL"
    HBONE = "HBONE"
    UNSUPPORTED = "UnsupportedProtocol"

    @property
    def is_http(self) -> bool:
        """HTTP in the clear, of any version."""
        return self in _HTTP

    @property
    def is_http2(self) -> bool:
        """HTTP/2 in the clear."""
        return self in _HTTP2

    @property
    def is_tls(self) -> bool:
        """TLS that the application itself terminates."""
        return self in (Protocol.HTTPS, Protocol.TLS)

    @property
    def is_tcp(self) -> bool:
        """Handled as a byte stream."""
        return self in _TCP

    @property
    def is_unsupported(self) -> bool:
        """Undeclared: Envoy sniffs it."""
        return self is Protocol.UNSUPPORTED


_HTTP2 = frozenset({Protocol.HTTP2, Protocol.GRPC, Protocol.GRPC_WEB})
_HTTP = _HTTP2 | {Protocol.HTTP, Protocol.HTTP_PROXY}
_TCP = frozenset({Protocol.TCP, Protocol.HTTPS, Protocol.TLS, Protocol.MONGO, Protocol.REDIS, Protocol.MYSQL})
_BY_NAME = {
    "grpc": Protocol.GRPC,
    "grpc-web": Protocol.GRPC_WEB,
    "http": Protocol.HTTP,
    "http_proxy": Protocol.HTTP_PROXY,
    "http2": Protocol.HTTP2,
    "https": Protocol.HTTPS,
    "tcp": Protocol.TCP,
    "tls": Protocol.TLS,
    "udp": Protocol.UDP,
    "mongo": Protocol.MONGO,
    "redis": Protocol.REDIS,
    "mysql": Protocol.MYSQL,
    "hbone": Protocol.HBONE,
}
_KUBERNETES_NAMES = {
    "kubernetes.io/h2c": Protocol.HTTP2,
    "kubernetes.io/ws": Protocol.HTTP,
    "kubernetes.io/wss": Protocol.HTTPS,
}
# SMTP, DNS, MySQL and MongoDB: the server speaks first, so that sniffing would hang.
_SERVER_FIRST_PORTS = frozenset({25, 53, 3306, 27017})


def parse(name: str) -> Protocol:
    """The protocol of that name, case ignored, as Gateway and ServiceEntry ports state it."""
    return _BY_NAME.get(name.lower(), Protocol.UNSUPPORTED)


def of_service_port(port: Mapping[str, Any]) -> Protocol:
    """The protocol of an entry of `Service.spec.ports`: UDP, appProtocol, or the prefix of its name."""
    if port.get("protocol") == "UDP":
        return Protocol.UDP
    application = port.get("appProtocol")
    if application in _KUBERNETES_NAMES:
        return _KUBERNETES_NAMES[application]
    return _named(application if application is not None else port.get("name", ""), port["port"])


def _named(name: str, number: int) -> Protocol:
    if name.lower().startswith("grpc-web"):
        return Protocol.GRPC_WEB
    protocol = parse(name.split("-", 1)[0])
    if protocol.is_unsupported and number in _SERVER_FIRST_PORTS:
        return Protocol.TCP
    return protocol
