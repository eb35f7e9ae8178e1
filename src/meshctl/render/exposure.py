"""What the east-west gateways let through: services to the other networks, and the primary's istiod to the remotes.

istiod reads networking objects from its own cluster alone: all of these go into the primary, for every gateway.
"""

from __future__ import annotations

from typing import Any

from meshctl.render.eastwest import PORTS
from meshctl.render.manifest import ISTIO_SYSTEM, NETWORKING, Manifest, manifest

SELECTOR = {"istio": "eastwestgateway"}
ISTIOD = f"istiod.{ISTIO_SYSTEM}.svc.cluster.local"
ISTIOD_GATEWAY = "istiod-gateway"
WEBHOOK_PORT = 443


def services() -> list[Manifest]:
    """samples/multicluster/expose-services.yaml: mTLS passes by SNI to any service of the mesh."""
    server = {"port": _port("tls", PORTS["tls"]), "tls": {"mode": "AUTO_PASSTHROUGH"}, "hosts": ["*.local"]}
    return [_gateway("cross-network-gateway", [server])]


def istiod() -> list[Manifest]:
    """samples/multicluster/expose-istiod.yaml: xDS and the injection webhook of the primary."""
    ports = {"tls-istiod": PORTS["tls-istiod"], "tls-istiodwebhook": PORTS["tls-webhook"]}
    servers = [
        {"port": _port(name, number), "tls": {"mode": "PASSTHROUGH"}, "hosts": ["*"]} for name, number in ports.items()
    ]
    routes = [_route(PORTS["tls-istiod"], PORTS["tls-istiod"]), _route(PORTS["tls-webhook"], WEBHOOK_PORT)]
    spec = {"hosts": ["*"], "gateways": [ISTIOD_GATEWAY], "tls": routes}
    return [
        _gateway(ISTIOD_GATEWAY, servers),
        manifest(NETWORKING, "VirtualService", "istiod-vs", ISTIO_SYSTEM, spec=spec),
    ]


def _gateway(name: str, servers: list[dict[str, Any]]) -> Manifest:
    return manifest(NETWORKING, "Gateway", name, ISTIO_SYSTEM, spec={"selector": dict(SELECTOR), "servers": servers})


def _port(name: str, number: int) -> dict[str, Any]:
    return {"number": number, "name": name, "protocol": "TLS"}


def _route(port: int, target: int) -> dict[str, Any]:
    return {
        "match": [{"port": port, "sniHosts": ["*"]}],
        "route": [{"destination": {"host": ISTIOD, "port": {"number": target}}}],
    }
