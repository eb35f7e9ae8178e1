"""Filters for wildcard ServiceEntries with resolution DYNAMIC_DNS: the name of each request is resolved."""

from __future__ import annotations

from meshctl.sandbox.xds.hosts import is_wildcard
from meshctl.sandbox.xds.message import Json, extension
from meshctl.sandbox.xds.proxy import Proxy
from meshctl.sandbox.xds.service import Resolution, Service


def applies(service: Service) -> bool:
    """Whether a service needs them."""
    return service.resolution is Resolution.DYNAMIC_DNS and is_wildcard(service.hostname)


def http_filter(service: Service, proxy: Proxy) -> Json:
    """Resolves the authority of a request."""
    return extension(
        "envoy.filters.http.dynamic_forward_proxy",
        "envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig",
        dns_cache_config=_dns_cache(service, proxy),
    )


def sni_filter(service: Service, port: int, proxy: Proxy) -> Json:
    """Resolves the server name of a TLS connection."""
    return extension(
        "envoy.extensions.filters.network.sni_dynamic_forward_proxy",
        "envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig",
        dns_cache_config=_dns_cache(service, proxy),
        port_value=port,
    )


def _dns_cache(service: Service, proxy: Proxy) -> Json:
    """The cache that the service's cluster shares: Envoy wants the very same settings."""
    family = "V6_ONLY" if ":" in proxy.address else "V4_ONLY"
    return {"name": f"{service.hostname}_dfp_dns_cache", "dns_lookup_family": family}
