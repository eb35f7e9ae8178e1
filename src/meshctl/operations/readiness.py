"""Waiting for what a cluster makes of its objects: bounded, and with an error that says what isn't ready."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from typing import Any

from pyinfra import host
from pyinfra.api import operation

from meshctl.errors import MeshctlError
from meshctl.kube import rollout
from meshctl.kube.access import Access
from meshctl.kube.client import ApiError, Client
from meshctl.kube.watch import states
from meshctl.operations.objects import ObjectChange
from meshctl.render.manifest import ISTIO_SYSTEM, manifest

# Machines are slow at times; what can never be ready is told then, too.
SECONDS = 240.0
ROOT = "istio-ca-root-cert"
# A question with a webhook behind it costs more than it seems.
FIRST_PAUSE, LAST_PAUSE = 0.1, 1.0
DEPLOYMENTS = "/apis/apps/v1/deployments"


class NotReady(MeshctlError):
    """Something that did not come to be in time."""


@operation()
def available(
    access: Mapping[str, str] | None, names: Sequence[str], namespace: str = ISTIO_SYSTEM, seconds: float = SECONDS
) -> Generator[ObjectChange, None, None]:
    """
    Deployments are rolled out.

    + access: the fields of `meshctl.kube.access.Access`; None where there is nothing to wait for
    + names: of the Deployments
    + namespace: theirs
    + seconds: how long that may take
    """
    if access is None or not names:
        return
    client = Client(Access(**access))
    if not unfinished(client, namespace, names):
        host.noop("Deployments are rolled out")
        return
    yield ObjectChange(partial(await_deployments, client, {namespace: names}, seconds))


@operation()
def injecting(access: Mapping[str, str] | None, seconds: float = SECONDS) -> Generator[ObjectChange, None, None]:
    """
    Pods get their proxies: the API server reaches an istiod, and trusts it.

    + access: the fields of `meshctl.kube.access.Access`; None where there is nothing to wait for
    + seconds: how long that may take
    """
    if access is None:
        return
    client = Client(Access(**access))
    if not _refusal(client):
        host.noop("pods get their proxies")
        return
    yield ObjectChange(partial(_await, lambda: _refusal(client), "pods can't be injected", seconds))


@operation()
def rooted(
    access: Mapping[str, str] | None, root: str, namespaces: Sequence[str], seconds: float = SECONDS
) -> Generator[ObjectChange, None, None]:
    """
    Proxies find the mesh's root certificate: istiod has published it.

    + access: the fields of `meshctl.kube.access.Access`; None where there is nothing to wait for
    + root: the certificate in PEM; empty if it is unknown
    + namespaces: where it must be
    + seconds: how long that may take
    """
    if access is None or not root:
        return
    client = Client(Access(**access))
    if not _unrooted(client, root, namespaces):
        host.noop("the root is published")
        return
    yield ObjectChange(partial(_await, lambda: _unrooted(client, root, namespaces), "ConfigMap", seconds))


def _unrooted(client: Client, root: str, namespaces: Sequence[str]) -> str:
    for namespace in namespaces:
        found = client.get(manifest("v1", "ConfigMap", ROOT, namespace)) or {}
        if (found.get("data") or {}).get("root-cert.pem") != root:
            return f"{namespace}/{ROOT} is not the root of the signing certificates"
    return ""


def await_deployments(client: Client, wanted: Mapping[str, Sequence[str]], seconds: float = SECONDS) -> None:
    """Return once the Deployments of each namespace are rolled out; NotReady names the containers that are not."""

    keys = [(namespace, name) for namespace, names in wanted.items() for name in names]
    for found in states(client, DEPLOYMENTS, seconds):
        if all(key in found and rollout.complete(found[key]) for key in keys):
            return
    lines = [line for namespace, names in wanted.items() for line in _explained(client, namespace, names)]
    raise NotReady("; ".join(lines or [f"the API server tells of no Deployment (after {seconds:.0f} s)"]))


def unfinished(client: Client, namespace: str, names: Sequence[str]) -> list[str]:
    """Which of a namespace's Deployments are not rolled out."""
    found = {one["metadata"]["name"]: one for one in client.items(f"/apis/apps/v1/namespaces/{namespace}/deployments")}
    return [name for name in names if name not in found or not rollout.complete(found[name])]


def _explained(client: Client, namespace: str, names: Sequence[str]) -> list[str]:
    found = {one["metadata"]["name"]: one for one in client.items(f"/apis/apps/v1/namespaces/{namespace}/deployments")}
    pods = client.items(f"/api/v1/namespaces/{namespace}/pods")
    events = client.items(f"/api/v1/namespaces/{namespace}/events")
    lines = []
    for name in names:
        if name not in found:
            lines.append(f"Deployment {namespace}/{name} is not there")
        elif not rollout.complete(found[name]):
            lines += [f"Deployment {namespace}/{name}: {one}" for one in rollout.reasons(found[name], pods, events)]
    return lines


def _refusal(client: Client) -> str:
    """Why a pod with a gateway's marks would be refused, or get no proxy; nothing is created."""
    spec: dict[str, Any] = {"containers": [{"name": "istio-proxy", "image": "auto"}]}
    pod = manifest(
        "v1",
        "Pod",
        "meshctl-injection",
        ISTIO_SYSTEM,
        labels={"sidecar.istio.io/inject": "true"},
        annotations={"inject.istio.io/templates": "gateway"},
        spec=spec,
    )
    try:
        made = client.attempt(pod)
    except ApiError as error:
        return str(error)
    (container,) = made["spec"]["containers"]
    return "" if container["image"] != "auto" else "no webhook takes pods with the label sidecar.istio.io/inject"


def _await(trouble: Callable[[], str], what: str, seconds: float) -> None:
    """Until there is no trouble any more; NotReady with the last one."""
    deadline, pause = time.monotonic() + seconds, FIRST_PAUSE
    while found := trouble():
        if time.monotonic() > deadline:
            raise NotReady(f"{what}: {found} (after {seconds:.0f} s)")
        time.sleep(pause)
        pause = min(pause * 1.5, LAST_PAUSE)
