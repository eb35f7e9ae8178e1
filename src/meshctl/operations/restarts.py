"""Restarts: what was born before something it read at birth was mended."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pyinfra import host
from pyinfra.api import operation

from meshctl.kube import staleness
from meshctl.kube.access import Access
from meshctl.kube.client import Client
from meshctl.kube.staleness import Expected, Live
from meshctl.operations import objects, readiness
from meshctl.operations.objects import ObjectChange
from meshctl.render.manifest import ISTIO_SYSTEM, Manifest, manifest

STAMP = "kubectl.kubernetes.io/restartedAt"


@operation()
def settled(
    access: Mapping[str, str] | None,
    cluster: str,
    network: str,
    labels: Mapping[str, str],
    root: str,
    namespaces: Sequence[str],
    seconds: float = readiness.SECONDS,
) -> Generator[ObjectChange, None, None]:
    """
    Deployments are rolled out, and none of their pods is older than what it read when it started.

    + access: the fields of `meshctl.kube.access.Access`; None where there is nothing to do
    + cluster: the name that proxies must have of it
    + network: the same of its network
    + labels: of its nodes, from which istiod reads a pod's locality
    + root: the mesh's root certificate in PEM; empty if it is still to be made
    + namespaces: where to look
    + seconds: how long it may take until everything is ready
    """
    if access is None:
        return
    client = Client(Access(**access))
    found = _deployments(client, namespaces)
    old = _stale(client, Expected(cluster, network, labels, root), found)
    for (namespace, name), reason in old.items():
        yield ObjectChange(partial(restart, client, namespace, name), f"~ Deployment {namespace}/{name}: {reason}")
    wanted = {namespace: [name for where, name in found if where == namespace] for namespace in namespaces}
    if old or any(readiness.unfinished(client, namespace, names) for namespace, names in wanted.items()):
        yield ObjectChange(partial(readiness.await_deployments, client, wanted, seconds))
    else:
        host.noop("everything is ready and as old as it may be")


@operation()
def renewed(
    access: Mapping[str, str] | None, deployment: str, signing: Sequence[Manifest]
) -> Generator[ObjectChange, None, None]:
    """
    No pod of istiod is older than the certificates that it signs with.

    + access: the fields of `meshctl.kube.access.Access`; None where there is nothing to do
    + deployment: its name in istio-system
    + signing: the Secret with the certificates as it should be, if there is one
    """
    if access is None:
        return
    client = Client(Access(**access))
    pods = client.items(f"/api/v1/namespaces/{ISTIO_SYSTEM}/pods")
    live = Live([one for one in pods if _runs_istiod(one)], [], [], signing=_signing(client))
    reasons = {reason for _, reason in staleness.stale(live, Expected("", "", {}))}
    if live.pods and any(list(objects.differences(live.signing, one)) for one in signing):
        # It is mended before this is done.
        reasons = {staleness.SIGNED}
    if not reasons:
        host.noop("istiod has the certificates of now")
        return
    line = f"~ Deployment {ISTIO_SYSTEM}/{deployment}: {', '.join(reasons)}"
    yield ObjectChange(partial(restart, client, ISTIO_SYSTEM, deployment), line)
    yield ObjectChange(partial(readiness.await_deployments, client, {ISTIO_SYSTEM: [deployment]}))


def restart(client: Client, namespace: str, name: str) -> None:
    """What `kubectl rollout restart` does."""
    stamp = {STAMP: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    change = {"spec": {"template": {"metadata": {"annotations": stamp}}}}
    client.merge(manifest("apps/v1", "Deployment", name, namespace), change)


def _deployments(client: Client, namespaces: Sequence[str]) -> list[tuple[str, str]]:
    return [
        (namespace, one["metadata"]["name"])
        for namespace in namespaces
        for one in client.items(f"/apis/apps/v1/namespaces/{namespace}/deployments")
    ]


def _stale(client: Client, wanted: Expected, deployments: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The reason by Deployment."""
    places = {namespace for namespace, _ in deployments}
    live = Live(
        [pod for place in sorted(places) for pod in client.items(f"/api/v1/namespaces/{place}/pods")],
        client.items("/api/v1/nodes"),
        client.items("/api/v1/namespaces"),
        list(_roots(client, places)),
        _signing(client),
    )
    reasons = ((_deployment(pod), reason) for pod, reason in staleness.stale(live, wanted))
    return {owner: reason for owner, reason in reasons if owner in deployments}


def _roots(client: Client, namespaces: set[str]) -> Iterator[Mapping[str, Any]]:
    for namespace in sorted(namespaces):
        if found := client.get(manifest("v1", "ConfigMap", "istio-ca-root-cert", namespace)):
            yield found


def _signing(client: Client) -> Mapping[str, Any] | None:
    return client.get(manifest("v1", "Secret", "cacerts", ISTIO_SYSTEM))


def _runs_istiod(pod: Mapping[str, Any]) -> bool:
    return any(one["name"] == staleness.DISCOVERY for one in pod["spec"]["containers"])


def _deployment(pod: Mapping[str, Any]) -> tuple[str, str]:
    """The Deployment by whose ReplicaSet a pod was made."""
    meta = pod["metadata"]
    owners = [one["name"] for one in meta.get("ownerReferences") or () if one.get("controller")]
    revision = (meta.get("labels") or {}).get("pod-template-hash", "")
    return meta["namespace"], (owners or [""])[0].removesuffix(f"-{revision}")
