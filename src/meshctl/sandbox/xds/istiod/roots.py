"""ConfigMap `istio-ca-root-cert` in every namespace: what proxies check the control plane against."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from meshctl.sandbox.xds.istiod.api import FAULTS, Api, ApiFault
from meshctl.sandbox.xds.istiod.informer import Informer

LOG = logging.getLogger(__name__)
SYSTEM = "istio-system"
NAME, KEY = "istio-ca-root-cert", "root-cert.pem"
LABELS = {"istio.io/config": "true"}
CONTROL_PLANE = "topology.istio.io/controlPlaneClusters"
# Istio leaves these alone (pilot/pkg/leaderelection, inject.IgnoredNamespaces).
IGNORED = frozenset({"kube-public", "kube-node-lease", "local-path-storage"})


async def publish(
    informers: Mapping[str, Informer], primary: str, root: str, written: dict[tuple[str, str], str]
) -> bool:
    """Write the root where it is not yet; False if some cluster could not be written."""
    wanted = [
        (informer, name)
        for informer in informers.values()
        if informer.cluster == primary or _is_served(informer, primary)
        for name in _namespaces(informer)
        if written.get((informer.cluster, name)) != root
    ]
    results = await asyncio.gather(*(_write(informer.api, name, root) for informer, name in wanted))
    for (informer, name), result in zip(wanted, results, strict=True):
        if result:
            written[informer.cluster, name] = root
    return all(results)


def _is_served(informer: Informer, primary: str) -> bool:
    """Whether a remote cluster leaves its namespaces to us: its annotation, if it has one, names us or `*`."""
    system = informer.get("Namespace", "", SYSTEM) or {"metadata": {}}
    stated = (system["metadata"].get("annotations") or {}).get(CONTROL_PLANE)
    return stated is None or bool({primary, "*"} & {name.strip() for name in stated.split(",")})


def _namespaces(informer: Informer) -> list[str]:
    return [
        item["metadata"]["name"]
        for item in informer.all("Namespace")
        if not item["metadata"].get("deletionTimestamp") and item["metadata"]["name"] not in IGNORED
    ]


async def _write(api: Api, namespace: str, root: str) -> bool:
    collection = f"/api/v1/namespaces/{namespace}/configmaps"
    metadata = {"name": NAME, "namespace": namespace, "labels": LABELS}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {KEY: root}}
    try:
        await api.ask("POST", collection, body)
    except ApiFault as fault:
        if fault.code != 409:
            return _failed(namespace, fault)
        try:
            # Of the verbs for what is there, istio-reader has `update` alone.
            await api.ask("PUT", f"{collection}/{NAME}", body)
        except (ApiFault, *FAULTS) as other:
            return _failed(namespace, other)
    except FAULTS as fault:
        return _failed(namespace, fault)
    return True


def _failed(namespace: str, fault: Exception) -> bool:
    # A namespace that is being deleted takes nothing any more; it is gone from the list soon.
    LOG.info("ConfigMap %s/%s: not written: %s", namespace, NAME, fault)
    return False
