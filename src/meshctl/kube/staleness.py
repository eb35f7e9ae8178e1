"""Pods that were born before something they read at birth was mended: they go on as if it were still broken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]
PROXY, DISCOVERY = "istio-proxy", "discovery"
INJECT = "sidecar.istio.io/inject"
SIGNED = "the signing certificates changed"
# Later than any pod's birth.
FUTURE = "9999"


@dataclass(frozen=True, slots=True)
class Expected:
    """What pods must have found at birth. `labels`: those of nodes from which istiod reads a locality.

    `cluster`, `network`: what a proxy says it belongs to; `root`: the mesh's root certificate, empty if unknown.
    What differs from it now is mended before anything is restarted: then its pods will be too old.
    """

    cluster: str
    network: str
    labels: Mapping[str, str]
    root: str = ""


@dataclass(frozen=True, slots=True)
class Live:
    """What is there. `roots`: ConfigMaps istio-ca-root-cert; `signing`: Secret cacerts, if there is one."""

    pods: Sequence[Object]
    nodes: Sequence[Object]
    namespaces: Sequence[Object]
    roots: Sequence[Object] = ()
    signing: Object | None = None


def stale(live: Live, wanted: Expected) -> Iterator[tuple[Object, str]]:
    """Pods that have to be made anew, each with the reason."""
    moved = {one["metadata"]["name"]: _moved(one, wanted.labels) for one in live.nodes}
    roots = {one["metadata"]["namespace"]: _rooted(one, wanted.root) for one in live.roots}
    injected = {one["metadata"]["name"] for one in live.namespaces if _injects(one)}
    signed = changed(live.signing, "data") if live.signing else ""
    for pod in live.pods:
        if pod["metadata"].get("deletionTimestamp"):
            continue
        namespace, names = pod["metadata"]["namespace"], {one["name"] for one in pod["spec"]["containers"]}
        if PROXY in names:
            reason = _of_proxy(pod, wanted, moved, roots.get(namespace, ""))
        elif DISCOVERY in names:
            reason = SIGNED if _born(pod) < signed else ""
        else:
            reason = "its pods have no proxy" if namespace in injected and _willing(pod) else ""
        if reason:
            yield pod, reason


def _of_proxy(pod: Object, wanted: Expected, moved: Mapping[str, str], root: str) -> str:
    node = pod["spec"].get("nodeName", "")
    if _born(pod) < moved.get(node, ""):
        return f"the labels of node {node} changed, and a pod keeps the locality that it started with"
    if (started := _started(pod, PROXY)) and started < root:
        return "the mesh's root certificate changed"
    (proxy,) = [one for one in pod["spec"]["containers"] if one["name"] == PROXY]
    given = {one["name"]: one.get("value") for one in proxy.get("env") or ()}
    network = (pod["metadata"].get("labels") or {}).get("topology.istio.io/network") or wanted.network
    for name, value in (("CLUSTER_ID", wanted.cluster), ("NETWORK", network)):
        if (found := given.get(f"ISTIO_META_{name}")) != value:
            return f"its proxies have ISTIO_META_{name}={found or ''}, expected {value}"
    return ""


def _moved(node: Object, labels: Mapping[str, str]) -> str:
    found = node["metadata"].get("labels") or {}
    same = all(found.get(key) == value for key, value in labels.items())
    return changed(node, "labels", labels) if same else FUTURE


def _rooted(published: Object, root: str) -> str:
    same = (published.get("data") or {}).get("root-cert.pem", root) == root
    return changed(published, "data") if same or not root else FUTURE


def changed(obj: Object, section: str, keys: Iterable[str] = ()) -> str:
    """When somebody last changed what they own of `data` or of metadata's `labels`; empty if it is nobody's."""
    wanted = {f"f:{key}" for key in keys}
    times = [
        entry.get("time", "")
        for entry in obj["metadata"].get("managedFields") or ()
        if not entry.get("subresource") and _owns(entry.get("fieldsV1") or {}, section, wanted)
    ]
    return max(times, default="")


def _owns(fields: Object, section: str, wanted: set[str]) -> bool:
    place = fields.get("f:metadata") or {} if section == "labels" else fields
    found = place.get(f"f:{section}")
    return found is not None and (not wanted or bool(wanted & set(found)))


def _injects(namespace: Object) -> bool:
    return (namespace["metadata"].get("labels") or {}).get("istio-injection") == "enabled"


def _willing(pod: Object) -> bool:
    meta = pod["metadata"]
    stated = [(meta.get(kind) or {}).get(INJECT) for kind in ("labels", "annotations")]
    return "false" not in stated and not pod["spec"].get("hostNetwork")


def _born(pod: Object) -> str:
    return str(pod["metadata"].get("creationTimestamp") or "")


def _started(pod: Object, container: str) -> str:
    for one in (pod.get("status") or {}).get("containerStatuses") or ():
        if one["name"] == container:
            return str(((one.get("state") or {}).get("running") or {}).get("startedAt") or "")
    return ""
