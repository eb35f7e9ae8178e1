"""Rules of EnvoyFilters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from meshctl.sandbox.apiserver.validation.golang import quote
from meshctl.sandbox.apiserver.validation.istio.decoding import (
    DecodeError,
    Record,
    decode_spec,
    unknown_fields,
)
from meshctl.sandbox.apiserver.validation.istio.problem import Problems, error, warning
from meshctl.sandbox.apiserver.validation.istio.rules.regex import fault
from meshctl.sandbox.apiserver.validation.istio.rules.selector import networking_selector

_CAUTION = (
    "EnvoyFilter exposes internal implementation details that may change at any time. "
    "Prefer other APIs if possible, and exercise extreme caution, especially around upgrades."
)
_OBJECTS = {
    "CLUSTER": "EnvoyCluster",
    "LISTENER": "EnvoyListener",
    "ROUTE_CONFIGURATION": "EnvoyRouteConfiguration",
    "FILTER_CHAIN": "EnvoyFilterChain",
    "HTTP_FILTER": "EnvoyHttpFilter",
    "NETWORK_FILTER": "EnvoyNetworkFilter",
    "VIRTUAL_HOST": "EnvoyVirtualHost",
    "HTTP_ROUTE": "EnvoyRoute",
    "EXTENSION_CONFIG": "EnvoyExtensionConfig",
    "BOOTSTRAP": "EnvoyBootstrap",
    "LISTENER_FILTER": "EnvoyListenerFilter",
}
_LISTENER_CLASS = ("LISTENER", "FILTER_CHAIN", "NETWORK_FILTER", "HTTP_FILTER")
_ROUTE_CLASS = ("ROUTE_CONFIGURATION", "VIRTUAL_HOST", "HTTP_ROUTE")
_MANAGERS = ("envoy.filters.network.http_connection_manager", "envoy.http_connection_manager")
_KNOWN_TYPE = re.compile(
    r"[^/]*/?.*?/?(?:envoy\..+\.v[34][a-z0-9]*\.\w+|istio\.envoy\..+|(?:udpa|xds|google\.protobuf|io\.istio)\..+)"
)
_PROXY_VERSION_LIMIT = 1024
_OLD_FILTERS = {
    "envoy.buffer": "envoy.filters.http.buffer",
    "envoy.cors": "envoy.filters.http.cors",
    "envoy.csrf": "envoy.filters.http.csrf",
    "envoy.http_dynamo_filter": "envoy.filters.http.dynamo",
    "envoy.ext_authz": "envoy.filters.http.ext_authz",
    "envoy.fault": "envoy.filters.http.fault",
    "envoy.grpc_http1_bridge": "envoy.filters.http.grpc_http1_bridge",
    "envoy.grpc_json_transcoder": "envoy.filters.http.grpc_json_transcoder",
    "envoy.grpc_web": "envoy.filters.http.grpc_web",
    "envoy.gzip": "envoy.filters.http.gzip",
    "envoy.health_check": "envoy.filters.http.health_check",
    "envoy.ip_tagging": "envoy.filters.http.ip_tagging",
    "envoy.lua": "envoy.filters.http.lua",
    "envoy.rate_limit": "envoy.filters.http.ratelimit",
    "envoy.router": "envoy.filters.http.router",
    "envoy.squash": "envoy.filters.http.squash",
    "envoy.listener.http_inspector": "envoy.filters.listener.http_inspector",
    "envoy.listener.original_dst": "envoy.filters.listener.original_dst",
    "envoy.listener.original_src": "envoy.filters.listener.original_src",
    "envoy.listener.proxy_protocol": "envoy.filters.listener.proxy_protocol",
    "envoy.listener.tls_inspector": "envoy.filters.listener.tls_inspector",
    "envoy.client_ssl_auth": "envoy.filters.network.client_ssl_auth",
    "envoy.http_connection_manager": "envoy.filters.network.http_connection_manager",
    "envoy.mongo_proxy": "envoy.filters.network.mongo_proxy",
    "envoy.ratelimit": "envoy.filters.network.ratelimit",
    "envoy.redis_proxy": "envoy.filters.network.redis_proxy",
    "envoy.tcp_proxy": "envoy.filters.network.tcp_proxy",
}


def envoy_filter(spec: Record) -> Problems:
    """An EnvoyFilter's spec; an unfit selector is the only error."""
    selector = list(networking_selector(spec.workloadSelector, "Envoy filter"))
    unfit = [problem for problem in selector if not problem.warning]
    if unfit:
        yield from unfit
        return
    yield warning(_CAUTION)
    yield from selector
    for patch in spec.configPatches:
        if patch.match is None or patch.match.context != "WAYPOINT":
            yield from _config_patch(patch)


def _config_patch(config: Record) -> Problems:
    incomplete = _missing(config)
    if incomplete:
        yield error(f"Envoy filter: {incomplete}")
        return
    unmatched = list(_proxy_version(config)) or list(_match(config))
    yield from unmatched
    if not any(_ends_check(problem.text) for problem in unmatched):
        yield from _value(config.applyTo, config.patch.value)


def _missing(config: Record) -> str | None:
    if config.applyTo == "INVALID":
        return "missing applyTo"
    if config.patch is None:
        return "missing patch"
    if config.patch.operation == "INVALID":
        return "missing patch operation"
    if config.patch.operation != "REMOVE" and config.patch.value is None:
        return "missing patch value for non-remove operation"
    return None


def _proxy_version(config: Record) -> Problems:
    version = config.match.proxy.proxyVersion if config.match is not None and config.match.proxy is not None else ""
    if len(version) > _PROXY_VERSION_LIMIT:
        limit = f"exceeds {_PROXY_VERSION_LIMIT} characters and will be ignored"
        yield warning(f"Envoy filter: proxyVersion match {limit}")
    elif wrong := fault(version):
        yield error(f"Envoy filter: invalid regex for proxy version, [{wrong}]")


def _ends_check(text: str) -> bool:
    """After these, the patch's value isn't looked at."""
    ends = ("invalid regex", "applyTo for listener", "filter match has no name", "subfilter match")
    return text.removeprefix("Envoy filter: ").startswith(ends)


def _match(config: Record) -> Problems:
    match = config.match
    kinds = ("listener", "routeConfiguration", "cluster", "waypoint")
    if match is None or not any(match.holds(kind) for kind in kinds):
        return
    if config.applyTo in _LISTENER_CLASS:
        if match.listener is None:
            yield error("Envoy filter: applyTo for listener class objects cannot have non listener match")
        elif match.listener.filterChain is not None and match.listener.filterChain.filter is not None:
            yield from _filter_match(config.applyTo, match.listener.filterChain.filter)
    elif config.applyTo in _ROUTE_CLASS and match.routeConfiguration is None:
        wanted = "cannot have non route configuration match"
        yield error(f"Envoy filter: applyTo for http route class objects {wanted}")
    elif config.applyTo == "CLUSTER" and match.cluster is None:
        yield error("Envoy filter: applyTo for cluster class objects cannot have non cluster match")


def _filter_match(apply_to: str, wanted: Record) -> Problems:
    if apply_to in ("LISTENER", "FILTER_CHAIN"):
        yield warning(f"Envoy filter: filter match has no effect when used with {apply_to}")
    sub_filter = wanted.subFilter
    unfit = _filter_fault(apply_to, wanted)
    if unfit:
        yield error(f"Envoy filter: {unfit}")
        return
    for name in (wanted.name, sub_filter.name if sub_filter is not None else ""):
        if name in _OLD_FILTERS:
            yield warning(f"using deprecated filter name {quote(name)}; use {quote(_OLD_FILTERS[name])} instead")


def _filter_fault(apply_to: str, wanted: Record) -> str | None:
    if not wanted.name:
        return "filter match has no name to match on"
    if wanted.subFilter is None:
        return None
    if apply_to != "HTTP_FILTER":
        return "subfilter match can be used with applyTo HTTP_FILTER only"
    if wanted.name not in _MANAGERS:
        return f"subfilter match requires filter match with {_MANAGERS[0]}"
    return None if wanted.subFilter.name else "subfilter match has no name to match on"


def _value(apply_to: str, value: dict[str, Any] | None) -> Problems:
    if value is None:
        return
    kind = _OBJECTS[apply_to]
    try:
        decoded = decode_spec(kind, value)
    except DecodeError as wrong:
        yield error(f"Envoy filter: {wrong}")
        return
    unresolved = next((name for name in _any_types(value) if not _KNOWN_TYPE.fullmatch(name)), None)
    if unresolved is not None:
        hint = " (hint: try using the v3 XDS API)" if ".v2." in unresolved else ""
        text = f"Envoy filter: could not resolve Any message type: {unresolved}"
        yield error(f"referenced type unknown{hint}: {text}")
        return
    full_name, unknown = unknown_fields(kind, value)
    if unknown:
        yield warning(f"Envoy filter: unknown field {quote(unknown[0])} in {full_name}")
    elif untyped := list(_untyped(decoded, kind, value)):
        yield warning(f"using deprecated types by name without typed_config; {', '.join(untyped)}")


def _any_types(value: Any) -> Iterator[str]:
    """The types that the object's parts name."""
    if isinstance(value, dict):
        if isinstance(value.get("@type"), str):
            yield value["@type"]
        for item in value.values():
            yield from _any_types(item)
    elif isinstance(value, list):
        for item in value:
            yield from _any_types(item)


def _untyped(decoded: Record, kind: str, value: dict[str, Any]) -> Iterator[str]:
    """The names of extensions that come without a configuration."""
    socket = value.get("transport_socket", value.get("transportSocket"))
    if isinstance(socket, dict) and not socket.keys() & {"typed_config", "typedConfig"}:
        yield str(socket.get("name", ""))
    named = kind in ("EnvoyHttpFilter", "EnvoyNetworkFilter", "EnvoyListenerFilter", "EnvoyExtensionConfig")
    if named and not (decoded.holds("typedConfig") or decoded.holds("configDiscovery")):
        yield decoded.name
