"""Creating and updating objects: what happens between a decoded object and the store."""

from __future__ import annotations

import copy
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from meshctl.sandbox.apiserver import admission, clock, conformity, tracking
from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.failure import (
    Cause,
    already_exists,
    conflict,
    invalid,
    modified,
    plain_error,
)
from meshctl.sandbox.apiserver.names import generated
from meshctl.sandbox.apiserver.representation import load, stored_form
from meshctl.sandbox.apiserver.resources.resource import Resource
from meshctl.sandbox.apiserver.storage.revision import Stored, dump
from meshctl.sandbox.apiserver.strategy import pods
from meshctl.sandbox.apiserver.strategy.strategies import strategy_of
from meshctl.sandbox.apiserver.strategy.strategy import Strategy

Object = dict[str, Any]

IDENTITY = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")
POD_PARTS = ("ephemeralcontainers", "resize")
NOT_COUNTED = ("metadata", "status", "kind", "apiVersion")


@dataclass(slots=True)
class Writing:
    """Who writes, through which subresource, for real or not; collects warnings for the client."""

    manager: str
    dry_run: bool = False
    subresource: str = ""
    warnings: list[str] = field(default_factory=list)


def insert(api: Api, resource: Resource, obj: Object, writing: Writing, tracked: bool = True) -> Stored:
    """Create an object; Failure if it may not be. Without `tracked` its managedFields stay as they are."""
    strategy, metadata = strategy_of(resource), obj["metadata"]
    if metadata.get("resourceVersion"):
        raise plain_error("resourceVersion should not be set on objects to be created")
    _identify(api, resource, obj, strategy)
    if tracked:
        tracking.track(resource, obj, None, writing.manager)
    admission.create(api, resource, obj)
    if strategy.status is not None:
        obj["status"] = strategy.status()
    elif resource.custom and resource.subresource("status"):
        obj.pop("status", None)
    strategy.prepare_create(api, obj)
    _validate(resource, obj, None)
    writing.warnings += conformity.reviewed(resource, obj, None, "CREATE")
    writing.warnings += strategy.warnings(obj)
    key = resource.key(metadata.get("namespace", ""), metadata["name"])
    if api.store.get(resource.storage, key):
        raise already_exists(resource.group, resource.plural, metadata["name"])
    strategy.allocate(api, obj, None)
    kept = stored_form(resource, obj)
    return Stored(key, 0, dump(kept)) if writing.dry_run else api.store.create(resource.storage, key, kept)


def _identify(api: Api, resource: Resource, obj: Object, strategy: Strategy) -> None:
    metadata = obj["metadata"]
    for name in (*IDENTITY, "selfLink"):
        metadata.pop(name, None)
    prefix = metadata.get("generateName")
    if prefix and not metadata.get("name"):
        metadata["name"] = _free_name(api, resource, metadata.get("namespace", ""), prefix)
    metadata["uid"] = str(uuid.uuid4())
    metadata["creationTimestamp"] = clock.stamp(clock.now())
    if strategy.generation:
        metadata["generation"] = 1


def _free_name(api: Api, resource: Resource, namespace: str, prefix: str) -> str:
    source = random.SystemRandom()
    for _ in range(8):
        name = generated(prefix, source)
        if not api.store.get(resource.storage, resource.key(namespace, name)):
            return name
    return name


def _validate(resource: Resource, obj: Object, old: Mapping[str, Any] | None) -> None:
    if causes := conformity.violations(resource, obj, old):
        raise invalid(resource.group, resource.kind, obj["metadata"].get("name", ""), causes)


def update(api: Api, resource: Resource, obj: Object, stored: Stored, writing: Writing, tracked: bool = True) -> Stored:
    """Replace the stored object by `obj`, or the part of it that a subresource shows; Failure if it may not be."""
    strategy, old = strategy_of(resource), load(resource, stored)
    _check_version(resource, obj, old, strategy)
    _keep_identity(obj["metadata"], old["metadata"])
    if writing.subresource == "status":
        _only_status(obj, old, strategy)
    elif writing.subresource != "approval" and resource.subresource("status"):
        _keep_status(obj, old)
    compared = pods.narrow(obj, old, writing.subresource) if writing.subresource in POD_PARTS else old
    if tracked:
        tracking.track(resource, obj, old, writing.manager, writing.subresource)
    if writing.subresource != "status":
        strategy.prepare_update(api, obj, old)
    _count_generation(obj, old, strategy)
    _validate(resource, obj, compared)
    writing.warnings += conformity.reviewed(resource, obj, old, "UPDATE")
    if not writing.subresource:
        writing.warnings += strategy.warnings(obj)
    if tracking.same(obj, old):
        return stored
    strategy.allocate(api, obj, old)
    return _store(api, resource, obj, stored, writing.dry_run)


def _store(api: Api, resource: Resource, obj: Object, stored: Stored, dry_run: bool) -> Stored:
    kept = stored_form(resource, obj)
    if dry_run:
        return Stored(stored.key, stored.version, dump(kept))
    if is_finished(obj):
        return api.store.remove(resource.storage, stored.key, kept, stored)
    return api.store.replace(resource.storage, stored.key, kept, stored)


def is_finished(obj: Mapping[str, Any]) -> bool:
    """Whether an object that is being deleted has nothing left that holds it."""
    metadata = obj["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
        return False
    if (obj.get("spec") or {}).get("finalizers") and obj.get("kind") == "Namespace":
        return False
    return not metadata.get("deletionGracePeriodSeconds")


def release(api: Api, resource: Resource, stored: Stored, finalizer: str) -> None:
    """Take a finalizer away, and the object with the last one if it is being deleted."""
    obj = load(resource, stored)
    metadata = obj["metadata"]
    metadata["finalizers"] = [one for one in metadata.get("finalizers") or () if one != finalizer]
    _store(api, resource, obj, stored, dry_run=False)


def _check_version(resource: Resource, obj: Object, old: Object, strategy: Strategy) -> None:
    metadata = obj["metadata"]
    given = metadata.get("resourceVersion") or ""
    if not given and not strategy.unconditional_update:
        message = "Invalid value: 0: must be specified for an update"
        cause = Cause("metadata.resourceVersion", "FieldValueInvalid", message)
        raise invalid(resource.group, resource.kind, metadata.get("name", ""), [cause])
    if given and given != old["metadata"]["resourceVersion"]:
        raise modified(resource.group, resource.plural, old["metadata"]["name"])
    metadata["resourceVersion"] = old["metadata"]["resourceVersion"]


def check_uid(resource: Resource, obj: Object, stored: Stored) -> None:
    """A PUT that names a uid means that very object; Failure 409."""
    given, own = obj["metadata"].get("uid"), stored.load()["metadata"]
    if given and given != own["uid"]:
        place = f"/registry/{resource.plural}/{stored.key}"
        message = f"StorageError: invalid object, Code: 4, Key: {place}, ResourceVersion: 0, AdditionalErrorMsg: "
        message += f"Precondition failed: UID in precondition: {given}, UID in object meta: {own['uid']}"
        raise conflict(resource.group, resource.plural, own["name"], message)


def _keep_identity(metadata: Object, old: Object) -> None:
    metadata["uid"] = metadata.get("uid") or old["uid"]
    for name in IDENTITY[1:]:
        metadata.pop(name, None)
        if name in old:
            metadata[name] = old[name]
    metadata.pop("selfLink", None)


def _keep_status(obj: Object, old: Object) -> None:
    obj.pop("status", None)
    if "status" in old:
        obj["status"] = copy.deepcopy(old["status"])


def _only_status(obj: Object, old: Object, strategy: Strategy) -> None:
    for name in [name for name in obj if name not in NOT_COUNTED and name not in old]:
        del obj[name]
    for name in [name for name in old if name not in NOT_COUNTED]:
        obj[name] = copy.deepcopy(old[name])
    if strategy.status_keeps_metadata:
        kept = {key: value for key, value in old["metadata"].items() if key != "managedFields"}
        if "managedFields" in obj["metadata"]:
            kept["managedFields"] = obj["metadata"]["managedFields"]
        obj["metadata"] = kept | {"uid": obj["metadata"]["uid"]}


def _count_generation(obj: Object, old: Object, strategy: Strategy) -> None:
    if not strategy.generation:
        return
    changed = _counted(obj) != _counted(old)
    if strategy.generation_by_annotations:
        changed = changed or (obj["metadata"].get("annotations") or {}) != (old["metadata"].get("annotations") or {})
    obj["metadata"]["generation"] = old["metadata"].get("generation", 0) + changed


def _counted(obj: Object) -> Object:
    return {key: value for key, value in obj.items() if key not in NOT_COUNTED}
