"""The end of a namespace: first all that is in it goes, then it.

Rules and words of pkg/controller/namespace/deletion, Kubernetes 1.36.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from meshctl.sandbox.apiserver import clock, deletion
from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.failure import Failure
from meshctl.sandbox.apiserver.options import DeleteOptions
from meshctl.sandbox.apiserver.storage.revision import Stored
from meshctl.sandbox.apiserver.writing import is_finished

Object = dict[str, Any]

FINALIZER = "kubernetes"
PATIENCE = 0.5
IDLE = 3600.0
FINE = {
    "NamespaceDeletionDiscoveryFailure": ("ResourcesDiscovered", "All resources successfully discovered"),
    "NamespaceDeletionGroupVersionParsingFailure": (
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    "NamespaceDeletionContentFailure": (
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    "NamespaceContentRemaining": ("ContentRemoved", "All content successfully removed"),
    "NamespaceFinalizersRemaining": ("ContentHasNoFinalizers", "All content-preserving finalizers finished"),
}


async def terminate(api: Api) -> None:
    """Empty namespaces that are being deleted, for ever."""
    grace = timedelta(seconds=api.config.namespace_grace)
    while True:
        ending = [stored for stored in api.store.page("namespaces").items if _is_ending(stored.load())]
        for stored in ending:
            since = clock.parse(stored.load()["metadata"]["deletionTimestamp"])
            if since is None or since + grace <= clock.now():
                _empty(api, stored)
        await api.store.changes.wait("namespaces", PATIENCE if ending else IDLE)


def _is_ending(namespace: Object) -> bool:
    spec = namespace.get("spec") or {}
    return bool(namespace["metadata"].get("deletionTimestamp")) and FINALIZER in (spec.get("finalizers") or ())


def _empty(api: Api, stored: Stored) -> None:
    """Delete what is in the namespace; if nothing is left, the namespace goes, else it says what holds it."""
    left, held = _delete_content(api, stored.key)
    current = api.store.get("namespaces", stored.key)
    if current is None:
        return
    namespace = current.load()
    if left:
        _tell(api, current, namespace, _conditions(left, held))
        return
    spec = namespace["spec"]
    spec["finalizers"] = [one for one in spec["finalizers"] if one != FINALIZER]
    if not spec["finalizers"]:
        namespace["spec"] = {}
    if is_finished({**namespace, "kind": "Namespace"}):
        api.store.remove("namespaces", current.key, namespace, current)
    else:
        api.store.replace("namespaces", current.key, namespace, current)


def _delete_content(api: Api, name: str) -> tuple[Counter[str], Counter[str]]:
    """How many objects are left of each resource, and how many each finalizer holds."""
    left: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for storage in api.store.resources():
        resource = api.catalog.storages().get(storage)
        if resource is None or not resource.namespaced:
            continue
        for one in api.store.page(storage, name).items:
            with contextlib.suppress(Failure):
                deletion.delete(api, resource, one, DeleteOptions(propagation="Background"))
        for one in api.store.page(storage, name).items:
            left[f"{resource.plural}.{resource.group}"] += 1
            held.update(one.load()["metadata"].get("finalizers") or ())
    return left, held


def _conditions(left: Mapping[str, int], held: Mapping[str, int]) -> dict[str, tuple[str, str, str]]:
    found = {kind: ("False", *words) for kind, words in FINE.items()}
    remaining = ", ".join(f"{resource} has {count} resource instances" for resource, count in sorted(left.items()))
    found["NamespaceContentRemaining"] = ("True", "SomeResourcesRemain", f"Some resources are remaining: {remaining}")
    if held:
        holding = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(held.items()))
        text = f"Some content in the namespace has finalizers remaining: {holding}"
        found["NamespaceFinalizersRemaining"] = ("True", "SomeFinalizersRemain", text)
    return found


def _tell(api: Api, stored: Stored, namespace: Object, wanted: Mapping[str, tuple[str, str, str]]) -> None:
    status = namespace.setdefault("status", {})
    before = {one["type"]: one for one in status.get("conditions") or ()}
    after = [_condition(kind, words, before.get(kind)) for kind, words in wanted.items()]
    if after == status.get("conditions"):
        return
    status["conditions"] = after
    api.store.replace("namespaces", stored.key, namespace, stored)


def _condition(kind: str, words: tuple[str, str, str], before: Object | None) -> Object:
    value, reason, message = words
    same = before is not None and before["status"] == value
    when = before["lastTransitionTime"] if before and same else clock.stamp(clock.now())
    return {"type": kind, "status": value, "lastTransitionTime": when, "reason": reason, "message": message}
