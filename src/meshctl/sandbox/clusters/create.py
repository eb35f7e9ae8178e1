"""Bringing up the Kubernetes API of every cluster, and finding it again."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from meshctl.errors import UsageError
from meshctl.kube.access import Access
from meshctl.kube.client import ApiError, Client
from meshctl.sandbox import control, paths
from meshctl.sandbox.clusters import files, programs
from meshctl.sandbox.control import SandboxError
from meshctl.topology import API_PORT, Cluster, Topology

READY_SECONDS = 30.0
POLL_SECONDS = 0.05
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def create(topology: Topology, name: str) -> tuple[str, ...]:
    """Make sure that every cluster's API answers, with its nodes and Istio's definitions; the lines of what changed.

    SandboxError if one does not. The hosts must be up, and the caller holds `state.lock`.
    """
    with ThreadPoolExecutor(len(topology.clusters)) as pool:
        return tuple(line for lines in pool.map(lambda one: _create(one, name), topology.clusters) for line in lines)


def pending(topology: Topology, name: str) -> tuple[str, ...]:
    """What `create` would do; nothing is changed."""
    try:
        with control.connect(name) as sandbox:
            running = {one["name"] for one in sandbox.status()["programs"]}
    except (UsageError, SandboxError):
        running = set()
    wanted = ((cluster, kind) for cluster in topology.clusters for kind in programs.KINDS)
    return tuple(_line(kind, cluster) for cluster, kind in wanted if programs.name(kind, cluster) not in running)


def access(topology: Topology, name: str) -> dict[str, Access]:
    """How each cluster's API is reached from inside the sandbox's network, by cluster name."""
    where = paths.of(name)
    return {one.name: files.of(where, one.name).access(one.api_server) for one in topology.clusters}


def forwarded(topology: Topology, name: str) -> dict[str, Access]:
    """How each cluster's API is reached from this machine, by cluster name; UsageError if the sandbox is not up."""
    where = paths.of(name)
    with control.connect(name) as sandbox:
        return {one.name: files.of(where, one.name).access(_forward(sandbox, one)) for one in topology.clusters}


def _forward(sandbox: control.Control, cluster: Cluster) -> str:
    port = sandbox.forward(str(cluster.control_plane.address), API_PORT)
    return f"https://127.0.0.1:{port}"


def _create(cluster: Cluster, name: str) -> list[str]:
    where = paths.of(name)
    own = files.of(where, cluster.name)
    lines = [f"~ certificates of {cluster.name}"] if programs.prepare(cluster, own) else []
    with control.connect(name) as sandbox:
        changed = []
        for kind in programs.KINDS:
            wanted = programs.program(kind, cluster, own, where)
            if lines:
                sandbox.stop(wanted.name)
            if sandbox.spawn(wanted)["changed"]:
                changed.append(_line(kind, cluster))
        client = Client(own.access(_forward(sandbox, cluster)))
    _await(client.healthy, f"the API server of {cluster.name} does not come up", where.logs)
    lines = changed + _define(client)
    nodes = [f"/api/v1/nodes/{node.name}" for node in cluster.nodes]
    _await(lambda: _all_there(client, nodes), f"the nodes of {cluster.name} do not register", where.logs)
    return lines


def _line(kind: str, cluster: Cluster) -> str:
    return f"+ {kind} of {cluster.name}"


def _define(client: Client) -> list[str]:
    """Istio's custom resources, as `istioctl install` would have brought them."""
    found = client.read(DEFINITIONS) or {}
    names = {one["metadata"]["name"] for one in found.get("items", ())}
    # Heavy, and of no use to `plan`.
    from meshctl.sandbox.apiserver.validation import istio_crds

    missing = [one for one in istio_crds() if one["metadata"]["name"] not in names]
    for one in missing:
        client.create(one)
    return [f"+ CustomResourceDefinition {one['metadata']['name']}" for one in missing]


def _all_there(client: Client, wanted: list[str]) -> bool:
    try:
        return all(client.read(path) is not None for path in wanted)
    except ApiError:
        return False


def _await(true: Callable[[], bool], complaint: str, logs: object) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not true():
        if time.monotonic() > deadline:
            raise SandboxError(f"{complaint} within {READY_SECONDS:.0f} s; see {logs}")
        time.sleep(POLL_SECONDS)
