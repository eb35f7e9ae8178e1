"""The document that an Envoy starts with (Istio tools/packaging/common/envoy_bootstrap.json, 1.31)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from meshctl.sandbox.envoy import listeners, statistics
from meshctl.sandbox.envoy.identity import Identity, Json, node

ADMIN_PORT = 15000
XDS, SDS, ROOT = "xds-grpc", "sds-grpc", "control-plane-root"
_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_HTTP = "type.googleapis.com/envoy.extensions.filters.http"
_WAIT_FOR_EVER = {"initial_fetch_timeout": "0s", "resource_api_version": "V3"}


@dataclass(frozen=True, slots=True)
class Discovery:
    """How the control plane is reached. `address`: HOST:PORT; `root`: file of its CA; `token`: of the service account.

    A file with this token must be 0600 from its first byte. `root_secret`: a file with the document of that name, for
    a root that may change while Envoy runs; without one, the root is read once.
    """

    address: str
    root: str
    token: str
    root_secret: str = ""

    @property
    def host(self) -> str:
        """The name that its certificate must bear."""
        return self.address.rpartition(":")[0]

    @property
    def port(self) -> int:
        """Its port."""
        return int(self.address.rpartition(":")[2])


def document(who: Identity, discovery: Discovery, *, admin_port: int = ADMIN_PORT) -> Json:
    """The bootstrap in JSON with proto field names; it holds the token."""
    headers = _headers(who, discovery)
    return {
        "application_log_config": {"log_format": {"text_format": "%Y-%m-%dT%T.%fZ\t%l\tenvoy %n %g:%#\t%v\tthread=%t"}},
        "node": node(who),
        "layered_runtime": {
            "layers": [{"name": "global config", "static_layer": _runtime()}, {"name": "admin", "admin_layer": {}}]
        },
        "bootstrap_extensions": [_internal_listeners()],
        "stats_config": statistics.config(who.annotations),
        "admin": {
            "address": listeners.socket("127.0.0.1", admin_port),
            "profile_path": "/var/lib/istio/data/envoy.prof",
        },
        "dynamic_resources": {
            "lds_config": {"ads": {}, **_WAIT_FOR_EVER},
            "cds_config": {"ads": {}, **_WAIT_FOR_EVER},
            "ads_config": _ads(headers),
        },
        "static_resources": {
            "clusters": [
                listeners.admin_cluster(admin_port),
                _server(XDS, discovery, {}),
                _server(SDS, discovery, headers),
            ],
            "listeners": listeners.static(),
        },
    }


def _headers(who: Identity, discovery: Discovery) -> dict[str, str]:
    return {"authorization": f"Bearer {discovery.token}", "clusterid": who.cluster_id}


def _ads(headers: Mapping[str, str]) -> Json:
    metadata = [{"key": key, "value": value} for key, value in headers.items()]
    return {
        "api_type": "DELTA_GRPC",
        "transport_api_version": "V3",
        "set_node_on_first_message_only": True,
        "grpc_services": [{"envoy_grpc": {"cluster_name": XDS}, "initial_metadata": metadata}],
    }


def _server(name: str, discovery: Discovery, headers: Mapping[str, str]) -> Json:
    return {
        "name": name,
        "type": "STRICT_DNS",
        "dns_refresh_rate": "30s",
        "dns_failure_refresh_rate": {"base_interval": "0.2s", "max_interval": "2s"},
        "dns_lookup_family": "V4_ONLY",
        "respect_dns_ttl": True,
        "connect_timeout": "1s",
        "lb_policy": "ROUND_ROBIN",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": listeners.socket(discovery.host, discovery.port)}}]}
            ],
        },
        "circuit_breakers": {"thresholds": [_unlimited(priority) for priority in ("DEFAULT", "HIGH")]},
        "upstream_connection_options": {"tcp_keepalive": {"keepalive_time": 300}},
        "typed_extension_protocol_options": {_OPTIONS: _http2(headers)},
        "transport_socket": _tls(discovery),
    }


def _unlimited(priority: str) -> Json:
    return {"priority": priority, "max_connections": 100000, "max_pending_requests": 100000, "max_requests": 100000}


def _http2(headers: Mapping[str, str]) -> Json:
    """HTTP/2; the headers go with every request, since a secret's config source in a cluster can't carry the token."""
    options: Json = {
        "@type": f"type.googleapis.com/{_OPTIONS}",
        "explicit_http_config": {
            "http2_protocol_options": {"connection_keepalive": {"interval": "30s", "timeout": "10s"}}
        },
    }
    return {**options, "http_filters": _adding(headers)} if headers else options


def _adding(headers: Mapping[str, str]) -> list[Json]:
    changes = [
        {"append": {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
        for key, value in headers.items()
    ]
    mutation = {"@type": f"{_HTTP}.header_mutation.v3.HeaderMutation", "mutations": {"request_mutations": changes}}
    codec = {"@type": f"{_HTTP}.upstream_codec.v3.UpstreamCodec"}
    return [
        {"name": "envoy.filters.http.header_mutation", "typed_config": mutation},
        {"name": "envoy.filters.http.upstream_codec", "typed_config": codec},
    ]


def root_secret(discovery: Discovery) -> Json:
    """The content of `Discovery.root_secret`: the root, read again when a file is moved into its folder."""
    kind = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
    watched = {"watched_directory": {"path": discovery.root.rpartition("/")[0]}}
    resource = {"@type": kind, "name": ROOT, "validation_context": {**_validation(discovery), **watched}}
    return {"resources": [resource]}


def _tls(discovery: Discovery) -> Json:
    context = {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "sni": discovery.host,
        "common_tls_context": {
            "alpn_protocols": ["h2"],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_3"},
            **_trusted(discovery),
        },
    }
    return {"name": "envoy.transport_sockets.tls", "typed_config": context}


def _trusted(discovery: Discovery) -> Json:
    if not discovery.root_secret:
        return {"validation_context": _validation(discovery)}
    source = {"path_config_source": {"path": discovery.root_secret}, "resource_api_version": "V3"}
    return {"validation_context_sds_secret_config": {"name": ROOT, "sds_config": source}}


def _validation(discovery: Discovery) -> Json:
    names = [{"san_type": "DNS", "matcher": {"exact": discovery.host}}]
    return {"trusted_ca": {"filename": discovery.root}, "match_typed_subject_alt_names": names}


def _runtime() -> Json:
    return {
        "overload.global_downstream_max_connections": 2147483647,
        "re2.max_program_size.error_level": 32768,
        "envoy.reloadable_features.http_reject_path_with_fragment": False,
    }


def _internal_listeners() -> Json:
    registry = "type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener"
    return {"name": "envoy.bootstrap.internal_listener", "typed_config": {"@type": registry, "buffer_size_kb": 64}}
