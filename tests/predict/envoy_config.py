"""Cases as the configuration of one Envoy: the client's clusters, and the gateways between as listeners and clusters.

Addresses of 127.0.0.0/8 stand for pods and gateways.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from meshctl.predict.balancing import LocalityEndpoints, Policy
from meshctl.sandbox.xds.outlier_detection import outlier_detection

API = "type.googleapis.com/envoy"
FILTERS = f"{API}.extensions.filters"
HTTP = f"{FILTERS}.network.http_connection_manager.v3.HttpConnectionManager"
TCP = f"{FILTERS}.network.tcp_proxy.v3.TcpProxy"
ROUTER = f"{FILTERS}.http.router.v3.Router"
PROTOCOL = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
TLS = f"{API}.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
MATCH = "envoy.transport_socket_match"
# Istio's default policy, with shorter pauses.
RETRIES = {
    "retry_on": "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
    "num_retries": 2,
    "retry_host_predicate": [
        {
            "name": "envoy.retry_host_predicates.previous_hosts",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
            },
        }
    ],
    "host_selection_retry_max_attempts": "5",
    "retry_back_off": {"base_interval": "0.001s", "max_interval": "0.001s"},
}


@dataclass(frozen=True, slots=True)
class Pool:
    """An Envoy cluster: a table whose addresses are bare, its policy, Istio's outlierDetection, and what is wrong.

    `refused` addresses refuse connections, `silent` ones swallow them; so many hosts are ejected in the end.
    """

    table: tuple[LocalityEndpoints, ...]
    policy: Policy
    outlier: Mapping[str, Any] | None = None
    refused: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()
    ejected: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """A client's pool, the pool of each gateway by its addresses, and the pods that fail: (share, status)."""

    client: Pool
    gateways: Mapping[tuple[str, ...], Pool] = field(default_factory=dict)
    failing: Mapping[str, tuple[float, int]] = field(default_factory=dict)

    @property
    def pools(self) -> Iterator[Pool]:
        """All of them."""
        yield self.client
        yield from self.gateways.values()


@dataclass(frozen=True, slots=True)
class Ports:
    """Where pods answer, plainly and in TLS, where gateways listen, nobody does, or connections are swallowed."""

    plain: int
    tls: int
    gateways: int
    closed: int
    silent: int


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The configuration of a rig's Envoy; its endpoint tables are files of their own."""

    cases: Sequence[Case]
    ports: Ports
    folder: Path

    @property
    def requests(self) -> Path:
        """The Unix socket where requests to /N go to case N."""
        return self.folder / "rig.sock"

    @property
    def admin(self) -> Path:
        """The Unix socket of Envoy's admin interface."""
        return self.folder / "admin.sock"

    def write(self) -> Path:
        """Write all files; the main one."""
        listeners, clusters = [_requests(len(self.cases), self.requests)], []
        for number, case in enumerate(self.cases):
            gateways = {address for addresses in case.gateways for address in addresses}
            clusters.append(self._cluster(f"c{number}", case.client, self.ports.plain, gateways))
            for position, (addresses, pool) in enumerate(case.gateways.items()):
                name = f"c{number}-{position}"
                clusters.append(self._cluster(name, pool, self.ports.tls, set()))
                listeners += [_passing(name, _socket(address, self.ports.gateways)) for address in addresses]
        document = {
            "node": {"id": "rig", "cluster": "rig"},
            "admin": {"address": {"pipe": {"path": str(self.admin)}}},
            "static_resources": {"listeners": listeners, "clusters": clusters},
        }
        file = self.folder / "rig.json"
        file.write_text(json.dumps(document))
        return file

    def _cluster(self, name: str, pool: Pool, pods: int, gateways: set[str]) -> dict[str, Any]:
        def endpoint(address: str) -> dict[str, Any]:
            port = self.ports.gateways if address in gateways else pods
            if address in pool.refused | pool.silent:
                port = self.ports.closed if address in pool.refused else self.ports.silent
            metadata = {"filter_metadata": {MATCH: {"tlsMode": "istio"}}} if address in gateways else {}
            return {"endpoint": {"address": _socket(address, port)}, "metadata": metadata}

        result: dict[str, Any] = {
            "name": name,
            "type": "EDS",
            "eds_cluster_config": {"eds_config": {"path_config_source": {"path": self._table(name, pool, endpoint)}}},
            "connect_timeout": "0.3s",
            "lb_policy": "LEAST_REQUEST",
            "common_lb_config": _balancing(pool.policy),
        }
        if pool.outlier is not None:
            result["outlier_detection"] = outlier_detection(pool.outlier) | {"base_ejection_time": "300s"}
        return {**result, **(_THROUGH_GATEWAYS if gateways else {})}

    def _table(self, name: str, pool: Pool, endpoint: Callable[[str], dict[str, Any]]) -> str:
        """Discovered, not static: only so Envoy keeps the first of several hosts with one address."""
        assignment = {
            "@type": f"{API}.config.endpoint.v3.ClusterLoadAssignment",
            "cluster_name": name,
            "policy": {"overprovisioning_factor": pool.policy.overprovisioning},
            "endpoints": [_group(group, endpoint) for group in pool.table],
        }
        file = self.folder / f"{name}.json"
        file.write_text(json.dumps({"resources": [assignment]}))
        return str(file)


# Behind gateways there is TLS, and each request has its own connection, so that they choose anew for each.
_THROUGH_GATEWAYS: Mapping[str, Any] = {
    "transport_socket_matches": [
        {
            "name": "tlsMode-istio",
            "match": {"tlsMode": "istio"},
            "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": {"@type": TLS}},
        }
    ],
    "typed_extension_protocol_options": {
        PROTOCOL: {
            "@type": f"type.googleapis.com/{PROTOCOL}",
            "explicit_http_config": {"http_protocol_options": {}},
            "common_http_protocol_options": {"max_requests_per_connection": 1},
        }
    },
}


def _requests(cases: int, path: Path) -> dict[str, Any]:
    routes = [
        {"match": {"path": f"/{number}"}, "route": {"cluster": f"c{number}", "timeout": "9s", "retry_policy": RETRIES}}
        for number in range(cases)
    ]
    manager = {
        "@type": HTTP,
        "stat_prefix": "rig",
        "codec_type": "HTTP1",
        "route_config": {"name": "all", "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}}],
    }
    return _listener("rig", {"pipe": {"path": str(path)}}, "http_connection_manager", manager)


def _passing(cluster: str, address: Mapping[str, Any]) -> dict[str, Any]:
    name = f"{cluster}-{address['socket_address']['address']}"
    return _listener(name, address, "tcp_proxy", {"@type": TCP, "stat_prefix": cluster, "cluster": cluster})


def _listener(name: str, address: Mapping[str, Any], kind: str, typed: Mapping[str, Any]) -> dict[str, Any]:
    filters = [{"name": f"envoy.filters.network.{kind}", "typed_config": typed}]
    return {"name": name, "address": address, "filter_chains": [{"filters": filters}]}


def _balancing(policy: Policy) -> dict[str, Any]:
    common: dict[str, Any] = {
        "healthy_panic_threshold": {"value": policy.panic_percent},
        "update_merge_window": "0s",
    }
    return common | ({"locality_weighted_lb_config": {}} if policy.locality_weighted else {})


def _group(group: LocalityEndpoints, endpoint: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    region, zone, sub_zone = (*group.locality.split("/"), "", "")[:3]
    document: dict[str, Any] = {
        "locality": {"region": region, "zone": zone, "sub_zone": sub_zone},
        "priority": group.priority,
        "lb_endpoints": [
            {
                **endpoint(e.address),
                "load_balancing_weight": e.weight,
                "health_status": "HEALTHY" if e.healthy else "UNHEALTHY",
            }
            for e in group.endpoints
        ],
    }
    return document | ({"load_balancing_weight": group.weight} if group.weight else {})


def _socket(address: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": address, "port_value": port}}
