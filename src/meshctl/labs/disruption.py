"""How pods of a service are taken away or made to fail, and brought back."""

from __future__ import annotations

import time
from collections.abc import Sequence

from meshctl.errors import Refused
from meshctl.kube import execution
from meshctl.kube.client import ApiError, Client
from meshctl.mesh.clusters import Mesh
from meshctl.mesh.pod import Pod
from meshctl.predict.outage import Outage
from meshctl.render.bookinfo import VERSIONS
from meshctl.render.manifest import Manifest, manifest
from meshctl.render.namespaces import BOOKINFO as NAMESPACE

# The sandbox's Bookinfo listens for its faults there (sandbox/bookinfo/fault.py). A 500 is not retried, a 503 is.
SWITCH, STATUS = "127.0.0.1:9081/fault", "status=500"
SECONDS = 60.0
POLL = 0.1


def scale(mesh: Mesh, outage: Outage, replicas: int) -> None:
    """Give every Deployment of a service in a cluster that many replicas, and wait until it has them."""
    client = mesh.clients[outage.cluster]
    for version in VERSIONS[outage.service]:
        deployment = manifest("apps/v1", "Deployment", f"{outage.service}-{version}", NAMESPACE)
        client.merge(deployment, {"spec": {"replicas": replicas}})
        _await(client, deployment, replicas)


def _await(client: Client, deployment: Manifest, replicas: int) -> None:
    deadline = time.monotonic() + SECONDS
    while not _has(client.get(deployment) or {}, replicas):
        if time.monotonic() > deadline:
            name = deployment["metadata"]["name"]
            raise ApiError(f"Deployment {name} has not {replicas} ready pods after {SECONDS:.0f} s")
        time.sleep(POLL)


def _has(found: dict[str, dict[str, int]], replicas: int) -> bool:
    status, metadata = found.get("status") or {}, found.get("metadata") or {}
    if status.get("observedGeneration", 0) < metadata.get("generation", 0):
        return False
    counts = [status.get(key) or 0 for key in ("replicas", "readyReplicas")]
    return counts == [replicas, replicas]


def switch(mesh: Mesh, pods: Sequence[Pod], fail: bool) -> None:
    """Make pods answer 500, or well again; Refused if they have no such switch."""
    words = ("-X", "PUT", "-d", STATUS) if fail else ("-X", "DELETE")
    for pod in pods:
        argv = ("curl", "-sS", "--fail", "--max-time", "5", *words, SWITCH)
        try:
            ended = execution.run(mesh.accesses[pod.cluster], pod.path, pod.default_container, argv)
        except ApiError as error:
            raise Refused(f"{pod.full_name}: nothing can be run in it: {error}") from None
        if ended.code and fail:
            said = ended.error.decode(errors="replace").strip()
            raise Refused(f"{pod.full_name} has no fault switch, which only the sandbox's Bookinfo has: {said}")
