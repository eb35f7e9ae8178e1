"""Virtual hosts and the names under which a service is called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meshctl.sandbox.xds.hosts import is_address
from meshctl.sandbox.xds.http_connection import proxy_headers
from meshctl.sandbox.xds.mesh_config import MeshConfig
from meshctl.sandbox.xds.message import Json, message
from meshctl.sandbox.xds.proxy import Proxy
from meshctl.sandbox.xds.service import UNSPECIFIED, Origin, Service

# Envoy's own limit for the bodies of direct responses is 4 KiB; Istio's webhook allows 1 MiB.
_DIRECT_RESPONSE_LIMIT = 1024 * 1024


def route_configuration(name: str, hosts: Sequence[Json]) -> Json:
    """A route configuration as it is sent over RDS."""
    return message(
        name=name,
        virtual_hosts=list(hosts),
        validate_clusters=False,
        ignore_port_in_host_matching=True,
        max_direct_response_body_size_bytes=_DIRECT_RESPONSE_LIMIT,
    )


def attempt_count(settings: MeshConfig) -> Json:
    """`x-envoy-attempt-count` on requests, unless the mesh turns it off."""
    disabled = (proxy_headers(settings).get("attemptCount") or {}).get("disabled")
    return {} if disabled else {"include_request_attempt_count": True}


def domain_name(host: str, port: int) -> str:
    """`host:port`."""
    return f"{bracketed(host)}:{port}"


def bracketed(host: str) -> str:
    """IPv6 addresses in brackets, anything else as it is."""
    return f"[{host}]" if ":" in host else host


def domains(service: Service, proxy: Proxy, domain: str) -> tuple[list[str], list[str]]:
    """The names of a service for a sidecar, with and without domain, then its addresses; and the short names.

    Ports are left out: Envoy ignores them (`ignore_port_in_host_matching`).
    """
    names: list[str] = []
    short: list[str] = []
    for host in (service.hostname, *service.aliases):
        other = alternatives(host, proxy.namespace, domain)
        short += other
        names += [bracketed(host), *other]
    if service.headless and service.origin is Origin.KUBERNETES:
        names += [f"*.{name}" for name in names]
    return names + [bracketed(address) for address in _addresses(service, proxy)], short


def alternatives(host: str, namespace: str, domain: str) -> list[str]:
    """The other names of a host: absolute, and for Kubernetes services those that hold inside the cluster."""
    absolute = [] if is_address(host) else [f"{host}."]
    suffix = f".svc.{domain}"
    if not host.endswith(suffix):
        return absolute
    short = host.removesuffix(suffix)
    name, dot, owner = short.partition(".")
    if not dot:
        return absolute
    if owner == namespace:
        return [*absolute, name, f"{short}.svc", short]
    return [*absolute, short, f"{short}.svc"]


def _addresses(service: Service, proxy: Proxy) -> Iterable[str]:
    own = service.addresses.get(proxy.cluster) or (service.default_address,)
    return (address for address in own if address and address != UNSPECIFIED)
