"""What a webhook is asked about: a write of one object, and the AdmissionReview that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from meshctl.sandbox.apiserver.representation import load, stored_form, typed
from meshctl.sandbox.apiserver.resources.resource import Resource
from meshctl.sandbox.apiserver.storage.revision import Stored, dump

Object = dict[str, Any]

REVIEW = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}


@dataclass(frozen=True, slots=True)
class Attributes:
    """A write on its way; `obj` is None for DELETE, `old` for CREATE and CONNECT. `user` is a UserInfo object."""

    operation: str
    resource: Resource
    namespace: str
    name: str
    user: Mapping[str, Any]
    obj: Object | None = None
    old: Object | None = None
    subresource: str = ""
    dry_run: bool = False
    manager: str = ""

    @property
    def options(self) -> Object:
        """The options of the write, as an object."""
        kind = f"{self.operation.title()}Options"
        found: Object = {"kind": kind, "apiVersion": "meta.k8s.io/v1"}
        if self.dry_run:
            found["dryRun"] = ["All"]
        if self.manager and self.operation in ("CREATE", "UPDATE"):
            found["fieldManager"] = self.manager
        return found

    def with_object(self, obj: Object) -> Attributes:
        """The same write of another object."""
        return replace(self, obj=obj)


def converted(obj: Object | None, resource: Resource, wanted: Resource) -> Object | None:
    """The object in another version of its kind."""
    if obj is None or obj.get("kind") != resource.kind or resource.group_version == wanted.group_version:
        return obj
    return load(wanted, Stored("", 0, dump(stored_form(resource, obj))))


def review(asked: Attributes, wanted: Resource, uid: str) -> Object:
    """The AdmissionReview for a webhook that wants the object in the version of `wanted`."""
    request: Object = {
        "uid": uid,
        "kind": _kind(asked, wanted),
        "resource": _resource(wanted),
        "subResource": asked.subresource,
        "requestKind": _kind(asked, asked.resource),
        "requestResource": _resource(asked.resource),
        "requestSubResource": asked.subresource,
        "name": asked.name,
        "namespace": asked.namespace,
        "operation": asked.operation,
        "userInfo": dict(asked.user),
    }
    request = {key: value for key, value in request.items() if value or key == "userInfo"}
    request["object"] = _shown(converted(asked.obj, asked.resource, wanted), wanted)
    request["oldObject"] = _shown(converted(asked.old, asked.resource, wanted), wanted)
    request["dryRun"] = asked.dry_run
    request["options"] = asked.options if asked.operation != "CONNECT" else None
    return REVIEW | {"request": request}


def _shown(obj: Object | None, resource: Resource) -> Object | None:
    if obj is None or obj.get("kind") != resource.kind:
        return obj
    return typed(resource, obj)


def _kind(asked: Attributes, resource: Resource) -> Object:
    shown = asked.obj or asked.old or {}
    if shown.get("kind", resource.kind) == resource.kind:
        return {"group": resource.group, "version": resource.version, "kind": resource.kind}
    group, _, version = str(shown["apiVersion"]).rpartition("/")
    return {"group": group, "version": version, "kind": shown["kind"]}


def _resource(resource: Resource) -> Object:
    return {"group": resource.group, "version": resource.version, "resource": resource.plural}
