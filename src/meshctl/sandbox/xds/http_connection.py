"""The HTTP connection manager: how Envoy reads, routes, traces and logs the requests of a connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from meshctl.sandbox.xds.mesh_config import MeshConfig
from meshctl.sandbox.xds.message import Json, extension, message, typed
from meshctl.sandbox.xds.protocol import Protocol
from meshctl.sandbox.xds.proxy import Proxy
from meshctl.sandbox.xds.tracing import tracing

_HTTP = "envoy.extensions.filters.http"
_NORMALIZATION: Mapping[str, Json] = {
    "NONE": {"normalize_path": False},
    "MERGE_SLASHES": {"normalize_path": True, "merge_slashes": True},
    "DECODE_AND_MERGE_SLASHES": {
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "UNESCAPE_AND_FORWARD",
    },
}


class Side(Enum):
    """Where a connection manager stands."""

    OUTBOUND = "sidecar, towards others"
    INBOUND = "sidecar, towards its own application"
    GATEWAY = "gateway"


def connection_manager(
    settings: MeshConfig,
    proxy: Proxy,
    side: Side,
    *,
    stat_prefix: str,
    routes: Json,
    access_log: Sequence[Json],
    protocol: Protocol = Protocol.HTTP,
    last_filters: Sequence[Json] = (),
) -> Json:
    """The network filter; `routes` is `{rds: ...}` or `{route_config: ...}` (Istio listener_builder.go).

    `last_filters` come just before the router.
    """
    return extension(
        "envoy.filters.network.http_connection_manager",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=stat_prefix,
        **routes,
        access_log=list(access_log),
        http_filters=_filters(settings, protocol, last_filters),
        stream_idle_timeout="0s",
        proxy_100_continue=True,
        request_id_extension=_request_id(),
        tracing=tracing(settings, proxy),
        upgrade_configs=[{"upgrade_type": "websocket"}],
        use_remote_address=side is Side.GATEWAY,
        **_path_normalization(settings),
        **_protocol_options(side, protocol),
        **_client_certificate(settings, side),
        **_headers(settings, side),
    )


def discovered(name: str) -> Json:
    """Routes fetched over ADS under that name."""
    source = {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"}
    return {"rds": {"config_source": source, "route_config_name": name}}


def _request_id() -> Json:
    config = typed("envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig", use_request_id_for_trace_sampling=True)
    return {"typed_config": config}


def _filters(settings: MeshConfig, protocol: Protocol, last: Sequence[Json]) -> list[Json]:
    """HTTP filters without `istio.metadata_exchange` and `istio.alpn`, which only Istio's own Envoy has."""
    quiet = (proxy_headers(settings).get("envoyDebugHeaders") or {}).get("disabled")
    grpc_web = extension("envoy.filters.http.grpc_web", f"{_HTTP}.grpc_web.v3.GrpcWeb")
    return [
        *([grpc_web] if protocol is Protocol.GRPC_WEB else ()),
        extension(
            "envoy.filters.http.grpc_stats",
            f"{_HTTP}.grpc_stats.v3.FilterConfig",
            emit_filter_state=True,
            stats_for_all_methods=False,
        ),
        extension("envoy.filters.http.fault", f"{_HTTP}.fault.v3.HTTPFault"),
        extension("envoy.filters.http.cors", f"{_HTTP}.cors.v3.Cors"),
        *last,
        extension(
            "envoy.filters.http.router",
            f"{_HTTP}.router.v3.Router",
            suppress_envoy_headers=True if quiet else None,
        ),
    ]


def proxy_headers(settings: MeshConfig) -> Mapping[str, Any]:
    """`defaultConfig.proxyHeaders` of the mesh."""
    default: Mapping[str, Any] = settings.raw.get("defaultConfig") or {}
    return default.get("proxyHeaders") or {}


def _path_normalization(settings: MeshConfig) -> Json:
    mode = (settings.raw.get("pathNormalization") or {}).get("normalization", "DEFAULT")
    keep = {"normalize_path": True, "path_with_escaped_slashes_action": "KEEP_UNCHANGED"}
    return keep | _NORMALIZATION.get(mode, {})


def _protocol_options(side: Side, protocol: Protocol) -> Json:
    if side is Side.GATEWAY:
        return {"http_protocol_options": {}}
    if side is Side.INBOUND and protocol.is_http2:
        return {"http2_protocol_options": {}}
    return {}


def _client_certificate(settings: MeshConfig, side: Side) -> Json:
    """What a proxy tells of the client's certificate in `x-forwarded-client-cert`."""
    if side is Side.OUTBOUND:
        return {}
    if side is Side.INBOUND:
        own = proxy_headers(settings)
        details = _certificate_details(own.get("setCurrentClientCertDetails") or {})
        return _forwarded(own.get("forwardedClientCert"), "APPEND_FORWARD") | {
            "set_current_client_cert_details": details
        }
    topology = (settings.raw.get("defaultConfig") or {}).get("gatewayTopology") or {}
    out = _forwarded(topology.get("forwardClientCertDetails"), "SANITIZE_SET")
    if out.get("forward_client_cert_details") in ("APPEND_FORWARD", "SANITIZE_SET"):
        out["set_current_client_cert_details"] = dict.fromkeys(("cert", "dns", "subject", "uri"), True)
    hops = topology.get("numTrustedProxies")
    return out | ({"xff_num_trusted_hops": hops} if hops else {})


def _forwarded(own: str | None, default: str) -> Json:
    value = own if own and own != "UNDEFINED" else default
    return {} if value == "SANITIZE" else {"forward_client_cert_details": value}


def _certificate_details(own: Mapping[str, bool]) -> Json:
    details: Json = {"subject": own.get("subject", True)}
    chosen = {"uri": own.get("uri", True), "dns": own.get("dns", True)}
    chosen |= {"cert": own.get("cert", False), "chain": own.get("chain", False)}
    return details | {name: True for name, on in chosen.items() if on}


def _headers(settings: MeshConfig, side: Side) -> Json:
    own = proxy_headers(settings)
    server = own.get("server") or {}
    if server.get("disabled"):
        out: Json = {"server_header_transformation": "PASS_THROUGH"}
    else:
        default = None if side is Side.OUTBOUND else "istio-envoy"
        out = message(server_name=server.get("value") or default)
    if (own.get("requestId") or {}).get("disabled"):
        out["generate_request_id"] = False
    if (own.get("xForwardedPort") or {}).get("enabled"):
        out["append_x_forwarded_port"] = True
    return out
