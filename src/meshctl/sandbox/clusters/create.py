"""Bringing up the Kubernetes API of every cluster, and finding it again."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from meshctl.errors import UsageError
from meshctl.kube import kubeconfig, kubeconfig_file
from meshctl.kube.access import Access
from meshctl.kube.client import ApiError, Client
from meshctl.kube.kubeconfig import Entry
from meshctl.sandbox import control, paths
from meshctl.sandbox.clusters import files, programs
from meshctl.sandbox.control import SandboxError
from meshctl.topology import API_PORT, Cluster, Topology

READY_SECONDS = 30.0
POLL_SECONDS = 0.05
KUBECONFIG = "/root/.kube/config"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def create(topology: Topology, name: str) -> tuple[str, ...]:
    """Make sure that every cluster's API answers, with its nodes and Istio's definitions; the lines of what changed.

    SandboxError if one does not. The hosts must be up, and the caller holds `state.lock`.
    """
    with ThreadPoolExecutor(len(topology.clusters)) as pool:
        return tuple(line for lines in pool.map(lambda one: _create(one, name), topology.clusters) for line in lines)


def pending(topology: Topology, name: str) -> tuple[str, ...]:
    """What `create` would do; nothing is changed."""
    with ThreadPoolExecutor(len(topology.clusters)) as pool:
        return tuple(line for lines in pool.map(lambda one: _pending(one, name), topology.clusters) for line in lines)


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


def _pending(cluster: Cluster, name: str) -> list[str]:
    try:
        with control.connect(name) as sandbox:
            running = {one["name"] for one in sandbox.status()["programs"]}
            missing = [_line(kind, cluster) for kind in programs.KINDS if programs.name(kind, cluster) not in running]
            if missing:
                return missing
            own = files.of(paths.of(name), cluster.name)
            undefined = [_definition(one) for one in _undefined(Client(own.access(_forward(sandbox, cluster))))]
            return undefined + ([] if _handed_out(sandbox, cluster, own) else [_handout(cluster)])
    except (UsageError, SandboxError):
        return [_line(kind, cluster) for kind in programs.KINDS]
    except ApiError as error:
        return [f"~ apiserver of {cluster.name}: {error}"]


def _create(cluster: Cluster, name: str) -> list[str]:
    where = paths.of(name)
    own = files.of(where, cluster.name)
    renewed = programs.prepare(cluster, own)
    with control.connect(name) as sandbox:
        lines = [f"~ certificates of {cluster.name}"] if renewed else []
        for kind in programs.KINDS:
            wanted = programs.program(kind, cluster, own, where)
            if renewed:
                sandbox.stop(wanted.name)
            if sandbox.spawn(wanted)["changed"]:
                lines.append(_line(kind, cluster))
        client = Client(own.access(_forward(sandbox, cluster)))
        _await(client.healthy, f"the API server of {cluster.name} does not come up", where.logs)
        if not _handed_out(sandbox, cluster, own):
            _hand_out(sandbox, cluster, own)
            lines.append(_handout(cluster))
    for one in _undefined(client):
        client.create(one)
        lines.append(_definition(one))
    nodes = [f"/api/v1/nodes/{node.name}" for node in cluster.nodes]
    _await(lambda: _all_there(client, nodes), f"the nodes of {cluster.name} do not register", where.logs)
    return lines


def _line(kind: str, cluster: Cluster) -> str:
    return f"+ {kind} of {cluster.name}"


def _handout(cluster: Cluster) -> str:
    return f"+ kubeconfig on {cluster.control_plane.name}"


def _handed_out(sandbox: control.Control, cluster: Cluster, own: files.Files) -> bool:
    """Whether the administrator's kubeconfig is on the control-plane node, where kubectl looks for it."""
    read = ["sh", "-c", f"cat {KUBECONFIG} 2>/dev/null || true"]
    return sandbox.run(read, node=cluster.control_plane.name, root="node") == _kubeconfig(cluster, own)


def _hand_out(sandbox: control.Control, cluster: Cluster, own: files.Files) -> None:
    write = f"umask 077; mkdir -p $(dirname {KUBECONFIG}); cat > {KUBECONFIG}"
    sandbox.run(["sh", "-c", write], _kubeconfig(cluster, own), cluster.control_plane.name, root="node")


def _kubeconfig(cluster: Cluster, own: files.Files) -> str:
    access = own.access(cluster.api_server)
    keys = [Path(path).read_bytes() for path in (access.authority, access.certificate, access.key)]
    return kubeconfig_file.text(kubeconfig.document("", [Entry(cluster.name, access.server, *keys)])).strip()


def _definition(one: dict[str, Any]) -> str:
    return f"+ CustomResourceDefinition {one['metadata']['name']}"


def _undefined(client: Client) -> list[dict[str, Any]]:
    """Those of Istio's custom resources that `istioctl install` would have brought and that are not there."""
    # Heavy to import.
    from meshctl.sandbox.apiserver.validation import istio_crds

    found = client.read(DEFINITIONS) or {}
    names = {one["metadata"]["name"] for one in found.get("items", ())}
    return [one for one in istio_crds() if one["metadata"]["name"] not in names]


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
