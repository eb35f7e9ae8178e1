"""Translation of big meshes: reading them, everything for a proxy, and what one pod's end costs, by size."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import TypeVar

from benchmarks import meshes
from benchmarks.timing import show
from meshctl.sandbox.xds import clusters, endpoints, listeners, mesh, mesh_config, proxy, routes
from meshctl.sandbox.xds.istiod import translation
from meshctl.sandbox.xds.istiod.change import Change

Found = TypeVar("Found")
CLUSTERS = 30
SIZES = (250, 500, 1000)
PROXIES = {
    "sidecar": proxy.from_identity(
        {"type": "sidecar", "ip": "10.0.0.1", "name": "s0", "ns": "shop", "cluster": "c0", "network": "network0"}
    ),
    "gateway": proxy.from_identity(
        {
            "type": "router",
            "ip": "10.255.0.1",
            "name": "g",
            "ns": "istio-system",
            "cluster": "c0",
            "network": "network0",
        }
    ),
}


def run(sizes: Sequence[int] = SIZES) -> None:
    """Print processor seconds by number of services, ten endpoints each."""
    for size in sizes:
        show(f"{size} services, {size * meshes.REPLICAS} endpoints, {CLUSTERS} clusters", _seconds(size))


def _seconds(size: int) -> Mapping[str, list[float]]:
    config = mesh_config.parse({})
    objects = meshes.objects(size, CLUSTERS)
    found, seen = _timed(lambda: mesh.assemble(objects, "c0", config))
    seconds = {"reading all clusters": [found]}
    builders = {"clusters": clusters, "endpoints": endpoints, "listeners": listeners, "routes": routes}
    for name, one in PROXIES.items():
        for kind, builder in builders.items():
            seconds[f"{kind} of a {name}"] = [_timed(partial(builder.build, seen, one))[0]]
    ended = deepcopy({"c0": objects["c0"]}) | {name: items for name, items in objects.items() if name != "c0"}
    next(item for item in ended["c0"] if item["kind"] == "EndpointSlice")["endpoints"] = []
    after = mesh.assemble(ended, "c0", config)
    push = translation.translation(after, Change(clusters={"c0"}), seen)
    seconds["a pod's end, for a sidecar"] = [_timed(lambda: push.of(PROXIES["sidecar"]))[0]]
    return seconds


def _timed(work: Callable[[], Found]) -> tuple[float, Found]:
    begin = time.process_time()
    found = work()
    return time.process_time() - begin, found
