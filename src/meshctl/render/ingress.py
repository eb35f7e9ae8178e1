"""The way into Bookinfo: a Gateway and a VirtualService in the primary (samples/bookinfo/networking)."""

from __future__ import annotations

from typing import Any

from meshctl.render.bookinfo import PORT
from meshctl.render.manifest import NETWORKING, Manifest, manifest
from meshctl.render.namespaces import BOOKINFO as NAMESPACE

GATEWAY = "bookinfo-gateway"
EXACT = ("/productpage", "/login", "/logout")
PREFIXES = ("/static", "/api/v1/products")


def manifests() -> list[Manifest]:
    """Gateway `bookinfo-gateway` and VirtualService `bookinfo`."""
    server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    gateway = {"selector": {"istio": "ingressgateway"}, "servers": [server]}
    route = {"match": _matches(), "route": [{"destination": {"host": _host(), "port": {"number": PORT}}}]}
    service = {"hosts": ["*"], "gateways": [GATEWAY], "http": [route]}
    return [
        manifest(NETWORKING, "Gateway", GATEWAY, NAMESPACE, spec=gateway),
        manifest(NETWORKING, "VirtualService", "bookinfo", NAMESPACE, spec=service),
    ]


def _host() -> str:
    return f"productpage.{NAMESPACE}.svc.cluster.local"


def _matches() -> list[dict[str, Any]]:
    exact = [{"uri": {"exact": path}} for path in EXACT]
    return [*exact, *({"uri": {"prefix": path}} for path in PREFIXES)]
