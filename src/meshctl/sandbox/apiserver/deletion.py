"""Deleting objects: at once, gracefully, or as soon as nothing holds them any more; rest.BeforeDelete."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from meshctl.sandbox.apiserver import admission, clock
from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.failure import conflict
from meshctl.sandbox.apiserver.options import DeleteOptions
from meshctl.sandbox.apiserver.representation import load, stored_form
from meshctl.sandbox.apiserver.resources.resource import Resource
from meshctl.sandbox.apiserver.storage.revision import Stored, dump

Object = dict[str, Any]

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
FINISHED = ("Succeeded", "Failed")


def delete(api: Api, resource: Resource, stored: Stored, options: DeleteOptions) -> tuple[Object, bool]:
    """The object afterwards, and whether it is gone; Failure if it may not be deleted."""
    obj = load(resource, stored)
    if refusal := admission.delete(resource, obj["metadata"]["name"]):
        raise refusal
    _check_preconditions(resource, obj["metadata"], options)
    if resource.storage == "namespaces":
        return _delete_namespace(api, resource, obj, stored, options)
    graceful = _grace(obj, options) if resource.storage == "pods" else None
    finalized = _finalize(obj["metadata"], options)
    marked = _mark(obj, graceful)
    if marked or finalized:
        stored = _replace(api, resource, obj, stored, options)
    if obj["metadata"].get("finalizers") or (obj["metadata"].get("deletionGracePeriodSeconds") or 0) > 0:
        return obj, False
    if options.dry_run:
        return obj, True
    gone = api.store.remove(resource.storage, stored.key, stored_form(resource, obj), stored)
    return load(resource, gone), True


def _replace(api: Api, resource: Resource, obj: Object, stored: Stored, options: DeleteOptions) -> Stored:
    kept = stored_form(resource, obj)
    if options.dry_run:
        return Stored(stored.key, stored.version, dump(kept))
    replaced = api.store.replace(resource.storage, stored.key, kept, stored)
    obj["metadata"]["resourceVersion"] = str(replaced.version)
    return replaced


def _check_preconditions(resource: Resource, metadata: Object, options: DeleteOptions) -> None:
    uid, version = metadata["uid"], metadata["resourceVersion"]
    problem = ""
    if options.uid and options.uid != uid:
        problem = f"the UID in the precondition ({options.uid}) does not match the UID in record ({uid})."
        problem += " The object might have been deleted and then recreated"
    elif options.version and options.version != version:
        problem = f"the ResourceVersion in the precondition ({options.version}) does not match the ResourceVersion"
        problem += f" in record ({version}). The object might have been modified"
    if problem:
        raise conflict(resource.group, resource.kind, metadata["name"], problem)


def _grace(obj: Object, options: DeleteOptions) -> int:
    """Seconds that a pod's agent has to stop it; 0 if there is nothing to stop."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    if not spec.get("nodeName") or status.get("phase") in FINISHED:
        return 0
    seconds = options.grace if options.grace is not None else spec.get("terminationGracePeriodSeconds", 30)
    return 1 if seconds < 0 else int(seconds)


def _finalize(metadata: Object, options: DeleteOptions) -> bool:
    """Add or take away the garbage collector's finalizers as the propagation policy says; true if they changed."""
    before = list(metadata.get("finalizers") or ())
    kept = [one for one in before if one not in (ORPHAN, FOREGROUND)] if options.propagation else before
    added = {"Orphan": [ORPHAN], "Foreground": [FOREGROUND]}.get(options.propagation, [])
    after = [*kept, *(one for one in added if one not in kept)]
    metadata["finalizers"] = after
    return after != before


def _mark(obj: Object, graceful: int | None) -> bool:
    """Note when the object is to be gone; true if that changed it."""
    metadata = obj["metadata"]
    held = metadata.get("deletionGracePeriodSeconds")
    if metadata.get("deletionTimestamp"):
        if graceful is None or held is None or graceful >= held:
            return False
        return _bring_forward(metadata, held, graceful)
    if graceful is None and not metadata.get("finalizers"):
        return False
    metadata["deletionTimestamp"] = clock.stamp(clock.now() + timedelta(seconds=graceful or 0))
    metadata["deletionGracePeriodSeconds"] = graceful or 0
    if metadata.get("generation"):
        metadata["generation"] += 1
    return True


def _bring_forward(metadata: Object, held: int, graceful: int) -> bool:
    when = clock.parse(metadata["deletionTimestamp"])
    if when:
        metadata["deletionTimestamp"] = clock.stamp(when + timedelta(seconds=graceful - held))
    metadata["deletionGracePeriodSeconds"] = graceful
    return True


def _delete_namespace(
    api: Api, resource: Resource, obj: Object, stored: Stored, options: DeleteOptions
) -> tuple[Object, bool]:
    metadata = obj["metadata"]
    finalized = _finalize(metadata, options)
    if not metadata.get("deletionTimestamp"):
        metadata["deletionTimestamp"] = clock.stamp(clock.now())
        obj["status"] = (obj.get("status") or {}) | {"phase": "Terminating"}
        _replace(api, resource, obj, stored, options)
        return obj, False
    if (obj.get("spec") or {}).get("finalizers") or metadata["finalizers"]:
        if finalized:
            _replace(api, resource, obj, stored, options)
        return obj, False
    if not options.dry_run:
        api.store.remove(resource.storage, stored.key, stored_form(resource, obj), stored)
    return obj, True
