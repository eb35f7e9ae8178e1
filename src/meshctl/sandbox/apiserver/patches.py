"""The patch types, applied to an object."""

from __future__ import annotations

from typing import Any

from meshctl.sandbox.apiserver.failure import Failure
from meshctl.sandbox.apiserver.patch import PatchRefused, apply, bodies, json_patch, merge_patch, strategic
from meshctl.sandbox.apiserver.resources.resource import Resource
from meshctl.sandbox.apiserver.tracking import schema_of

Object = dict[str, Any]

JSON, MERGE, STRATEGIC, APPLY = "json", "merge", "strategic", "apply"


def patched(resource: Resource, old: Object, kind: str, data: bytes) -> tuple[Object, list[str]]:
    """The object after a patch, and complaints about the patch's own text; Failure 400, 413, 422 or 500."""
    try:
        if kind == JSON:
            operations, complaints = bodies.json_patch_body(data)
            return json_patch(old, operations), complaints
        if kind == STRATEGIC:
            change, complaints = bodies.strategic_body(data)
            return strategic(old, change, schema_of(resource)), complaints
        change, complaints = bodies.merge_patch_body(data)
        return merge_patch(old, change), complaints
    except PatchRefused as refusal:
        raise _failure(refusal) from None


def configuration(data: bytes) -> tuple[Object, list[str]]:
    """What is to be applied, and complaints about its text; Failure 400."""
    try:
        return bodies.apply_body(data)
    except PatchRefused as refusal:
        raise _failure(refusal) from None


def applied(
    resource: Resource, live: Object | None, config: Object, manager: str, force: bool, subresource: str
) -> Object:
    """The object after server-side apply, managedFields included; Failure 400, 409 or 500."""
    kind = (resource.group_version, resource.kind)
    try:
        return apply.apply(live, config, manager, force, schema_of(resource), subresource, gvk=kind)
    except PatchRefused as refusal:
        raise _failure(refusal) from None


def _failure(refusal: PatchRefused) -> Failure:
    return Failure(
        refusal.code, refusal.reason, refusal.message, dict(refusal.details) if refusal.details is not None else None
    )
