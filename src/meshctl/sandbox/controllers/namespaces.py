"""What every namespace holds: a default ServiceAccount and the ConfigMap of the cluster's authority."""

from __future__ import annotations

from pathlib import Path

from meshctl.sandbox.controllers.api import MERGE, Api, Object

ROOT_CA = "kube-root-ca.crt"
DESCRIPTION = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as"
ANNOTATION = {
    "kubernetes.io/description": f"{DESCRIPTION} the internal service IP or kubernetes.default.svc. No other "
    "usage is guaranteed across distributions of Kubernetes clusters."
}


def account(namespace: str) -> Object:
    """The ServiceAccount that pods get which name none."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}}


def root_ca(namespace: str, authority: str) -> Object:
    """The authority's certificate in PEM, as pods mount it."""
    metadata = {"name": ROOT_CA, "namespace": namespace, "annotations": dict(ANNOTATION)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ca.crt": authority}}


async def keep_accounts(api: Api) -> None:
    """Each namespace has its default ServiceAccount, also after someone deleted it."""
    async for kind, found in api.follow("/api/v1/namespaces"):
        if _lives(kind, found):
            await _ensure(api, "serviceaccounts", account(found["metadata"]["name"]))


async def mend_accounts(api: Api) -> None:
    """A default ServiceAccount that is deleted comes back, if its namespace stays."""
    async for kind, found in api.follow("/api/v1/serviceaccounts", "fieldSelector=metadata.name%3Ddefault"):
        if kind == "DELETED" and await _namespace_lives(api, found["metadata"]["namespace"]):
            await _ensure(api, "serviceaccounts", account(found["metadata"]["namespace"]))


async def keep_root_ca(api: Api, authority: Path) -> None:
    """Each namespace has the ConfigMap."""
    text = authority.read_text()
    async for kind, found in api.follow("/api/v1/namespaces"):
        if _lives(kind, found):
            await _ensure(api, "configmaps", root_ca(found["metadata"]["name"], text))


async def mend_root_ca(api: Api, authority: Path) -> None:
    """The ConfigMap keeps its content."""
    text = authority.read_text()
    async for kind, found in api.follow("/api/v1/configmaps", f"fieldSelector=metadata.name%3D{ROOT_CA}"):
        namespace = found["metadata"]["namespace"]
        if kind == "DELETED":
            if await _namespace_lives(api, namespace):
                await _ensure(api, "configmaps", root_ca(namespace, text))
        elif found.get("data") != {"ca.crt": text}:
            change = {"data": {**dict.fromkeys(found.get("data") or {}), "ca.crt": text}}
            await api.ask("PATCH", f"/api/v1/namespaces/{namespace}/configmaps/{ROOT_CA}", change, MERGE)


async def _ensure(api: Api, plural: str, obj: Object) -> None:
    await api.ensure(f"/api/v1/namespaces/{obj['metadata']['namespace']}/{plural}", obj)


async def _namespace_lives(api: Api, name: str) -> bool:
    listed = await api.ask("GET", f"/api/v1/namespaces?fieldSelector=metadata.name%3D{name}")
    return any(_lives("ADDED", one) for one in listed["items"])


def _lives(kind: str, namespace: Object) -> bool:
    return kind != "DELETED" and not namespace["metadata"].get("deletionTimestamp")
