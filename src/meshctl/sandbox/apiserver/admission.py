"""What the server adds to objects or refuses before their kinds' own rules: admission plugins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.apiserver import accounts
from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.failure import Cause, Failure, forbidden, not_found
from meshctl.sandbox.apiserver.resources.resource import Resource
from meshctl.sandbox.apiserver.strategy import pods

Object = dict[str, Any]

PROTECTED = ("default", "kube-system", "kube-public")
DEFAULT_PRIORITY = 0
PREEMPTION = "PreemptLowerPriority"
PRIORITIES = "priorityclasses.scheduling.k8s.io"


def create(api: Api, resource: Resource, obj: Object) -> None:
    """Complete a new object; Failure if it may not be created here now."""
    namespace = obj["metadata"].get("namespace", "")
    if namespace:
        _check_namespace(api, resource, namespace, obj["metadata"].get("name", ""))
    if resource.storage == "pods":
        spec = obj["spec"] = obj.get("spec") or {}
        _prioritize(api, obj, spec)
        pods.tolerate(spec)
        if api.config.pod_service_accounts:
            accounts.mount(api, obj)


def _check_namespace(api: Api, resource: Resource, namespace: str, name: str) -> None:
    found = api.lookup("namespaces", "", namespace)
    if found is None:
        raise not_found("", "namespaces", namespace)
    if found["metadata"].get("deletionTimestamp"):
        message = f"unable to create new content in namespace {namespace} because it is being terminated"
        cause = Cause("metadata.namespace", "NamespaceTerminating", f"namespace {namespace} is being terminated")
        raise forbidden(resource.group, resource.plural, name, message, [cause])


def _prioritize(api: Api, obj: Object, spec: Object) -> None:
    name = spec.get("priorityClassName")
    found: Mapping[str, Any] | None = api.lookup(PRIORITIES, "", name) if name else _default_priority(api)
    if name and found is None:
        raise forbidden("", "pods", obj["metadata"].get("name", ""), f"no PriorityClass with name {name} was found")
    if found and not name:
        spec["priorityClassName"] = found["metadata"]["name"]
    spec["priority"] = found["value"] if found else DEFAULT_PRIORITY
    spec.setdefault("preemptionPolicy", (found or {}).get("preemptionPolicy") or PREEMPTION)


def _default_priority(api: Api) -> Mapping[str, Any] | None:
    found = (stored.load() for stored in api.store.page(PRIORITIES).items)
    return next((one for one in found if one.get("globalDefault")), None)


def delete(resource: Resource, name: str) -> Failure | None:
    """Why an object may not be deleted, if it may not."""
    if resource.storage == "namespaces" and name in PROTECTED:
        return forbidden("", "namespaces", name, "this namespace may not be deleted")
    return None
