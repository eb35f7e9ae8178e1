"""How a remote cluster finds the control plane: a Service whose endpoint is the other cluster's gateway."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from meshctl.render.install.installation import REVISION, Installation
from meshctl.render.manifest import ISTIO_SYSTEM, Manifest, manifest


def manifests(installation: Installation) -> list[Manifest]:
    """The Service, and its EndpointSlice unless `remotePilotAddress` is a host name; nothing without one."""
    address = installation.globals["remotePilotAddress"]
    if not address:
        return []
    # A local istiod keeps the name for itself.
    name = "istiod-remote" if installation.local else "istiod"
    spec: dict[str, Any] = {
        "ports": [
            {"name": "tcp-istiod", "port": 15012, "protocol": "TCP"},
            {"name": "tcp-webhook", "port": 443, "targetPort": 15017, "protocol": "TCP"},
        ]
    }
    family = _family(str(address))
    if family is None:
        spec |= {"type": "ExternalName", "externalName": address}
    service = manifest("v1", "Service", name, ISTIO_SYSTEM, labels={"istio.io/rev": REVISION}, spec=spec)
    return [service] if family is None else [service, _slice(name, str(address), family)]


def _slice(name: str, address: str, family: str) -> Manifest:
    labels = {"endpointslice.kubernetes.io/managed-by": "Helm", "kubernetes.io/service-name": name}
    ports = [
        {"name": "tcp-istiod", "port": 15012, "protocol": "TCP"},
        {"name": "tcp-webhook", "port": 15017, "protocol": "TCP"},
    ]
    return manifest(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        name,
        ISTIO_SYSTEM,
        labels=labels,
        addressType=family,
        endpoints=[{"addresses": [address]}],
        ports=ports,
    )


def _family(address: str) -> str | None:
    try:
        return f"IPv{ip_address(address).version}"
    except ValueError:
        return None
