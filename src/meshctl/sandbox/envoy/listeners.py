"""What an Envoy serves beside the mesh's traffic: its statistics on 15090 and its readiness on 15021."""

from __future__ import annotations

from meshctl.sandbox.envoy.identity import Json

STATISTICS_PORT, STATUS_PORT = 15090, 15021
ADMIN = "prometheus_stats"
_FILTERS = "type.googleapis.com/envoy.extensions.filters"


def socket(address: str, port: int) -> Json:
    """An address."""
    return {"socket_address": {"protocol": "TCP", "address": address, "port_value": port}}


def admin_cluster(port: int) -> Json:
    """Envoy's own admin interface."""
    host = {"endpoint": {"address": socket("127.0.0.1", port)}}
    table = {"cluster_name": ADMIN, "endpoints": [{"lb_endpoints": [host]}]}
    return {"name": ADMIN, "type": "STATIC", "connect_timeout": "0.250s", "load_assignment": table}


def static() -> list[Json]:
    """The listeners of every proxy.

    Istio's 15021 asks pilot-agent, which asks Envoy's /ready once it has its configuration. Here Envoy is asked itself:
    it is LIVE once it has its first clusters and listeners.
    """
    return [
        _listener("prometheus", STATISTICS_PORT, "/stats/prometheus", "/stats/prometheus"),
        _listener("agent", STATUS_PORT, "/healthz/ready", "/ready"),
    ]


def _listener(name: str, port: int, path: str, upstream: str) -> Json:
    route = {"match": {"path": path}, "route": {"cluster": ADMIN, "prefix_rewrite": upstream}}
    connection = {
        "@type": f"{_FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        "codec_type": "AUTO",
        "stat_prefix": name,
        "route_config": {"virtual_hosts": [{"name": "backend", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{_FILTERS}.http.router.v3.Router"}}
        ],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": connection}]
    return {
        "name": name,
        "address": socket("0.0.0.0", port),
        "filter_chains": [{"filters": filters}],
        "ignore_global_conn_limit": True,
    }
