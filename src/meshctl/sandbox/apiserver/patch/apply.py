"""Server-side apply, and the tracking of every other write's fields (apimachinery v0.36, util/managedfields)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.apiserver.patch import lastapplied, managedfields
from meshctl.sandbox.apiserver.patch.managedfields import BadManagedFields, Ownership
from meshctl.sandbox.apiserver.patch.refusal import internal
from meshctl.sandbox.apiserver.patch.reset import reset_fields
from meshctl.sandbox.apiserver.patch.schema import Schema
from meshctl.sandbox.apiserver.patch.structured.fieldset import FieldSet
from meshctl.sandbox.apiserver.patch.structured.pathelement import BadElement
from meshctl.sandbox.apiserver.patch.values import copy
from meshctl.sandbox.apiserver.patch.writer import Writer

Object = dict[str, Any]
BEFORE_FIRST_APPLY = "before-first-apply"


def apply(
    live: Mapping[str, Any] | None,
    config: Mapping[str, Any],
    manager: str,
    force: bool,
    schema: Schema,
    subresource: str = "",
    *,
    gvk: tuple[str, str] | None = None,
    reset: FieldSet | None = None,
    now: str | None = None,
) -> Object:
    """The live object (None: to be created) with the configuration applied, managedFields included.

    `gvk` is the apiVersion and kind that the path stands for (default: the live object's), `reset` the fields that
    the endpoint ignores (default: by kind and subresource). PatchRefused if the configuration does not fit; its
    subclass Conflict if others own what would change.
    """
    source = live or config
    api_version, kind = gvk or (str(source.get("apiVersion", "")), str(source.get("kind", "")))
    ignored = _ignored(reset, schema, kind, subresource)
    writer = Writer(manager, api_version, kind, schema, subresource, ignored, now or managedfields.timestamp())
    bare = copy(_bare(live or {"apiVersion": api_version, "kind": kind}))
    writer.check(config, bare)
    try:
        ownership = managedfields.decode((live or {}).get("metadata", {}).get("managedFields"))
    except BadManagedFields as error:
        raise internal(f"failed to decode managed fields: {error}") from error
    if live and not ownership:
        ownership = writer.tracked({}, bare, {}, BEFORE_FIRST_APPLY)
    merged, ownership = writer.applied(bare, copy(dict(config)), ownership, force)
    if manager == lastapplied.KUBECTL:
        merged = lastapplied.refreshed(merged, config)
    return _with_entries(merged, managedfields.encode(ownership))


def track_update(
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any],
    manager: str,
    operation: str,
    schema: Schema,
    subresource: str = "",
    *,
    reset: FieldSet | None = None,
    now: str | None = None,
) -> list[dict[str, Any]]:
    """The managedFields of `new` after a create (`old` is None), update or patch; empty if they are not tracked.

    Both objects are as stored or decoded, with defaults filled in, but before admission and before the registry
    fills in more (cluster IPs, taints): nobody owns what the server adds. `operation` is `Update` for every verb but
    apply.
    """
    ownership = _starting_ownership(old, new, subresource)
    if old is not None and not ownership:
        return []
    api_version, kind = str(new.get("apiVersion", "")), str(new.get("kind", ""))
    ignored = _ignored(reset, schema, kind, subresource)
    writer = Writer(manager, api_version, kind, schema, subresource, ignored, now or managedfields.timestamp())
    try:
        return managedfields.encode(writer.tracked(_bare(old or {}), _bare(new), ownership, operation=operation))
    except BadElement:
        # A list item without its keys: the write goes through, but nobody can say who owns what.
        return []


def _ignored(reset: FieldSet | None, schema: Schema, kind: str, subresource: str) -> FieldSet:
    return reset_fields(schema, kind, subresource) if reset is None else reset


def _starting_ownership(old: Mapping[str, Any] | None, new: Mapping[str, Any], subresource: str) -> Ownership:
    """A request may rewrite or reset managedFields, but not through a subresource, nor lose them by mistake."""
    live, asked = (item.get("metadata", {}).get("managedFields") for item in (old or {}, new))
    if not subresource and managedfields.is_reset(asked):
        return {}
    return (not subresource and _decoded_or_none(asked)) or _decoded_or_none(live)


def _decoded_or_none(entries: Any) -> Ownership:
    try:
        return managedfields.decode(entries)
    except BadManagedFields:
        return {}


def _bare(item: Mapping[str, Any]) -> Object:
    """The object without managedFields."""
    metadata = item.get("metadata")
    if not metadata or "managedFields" not in metadata:
        return dict(item)
    return {**item, "metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}


def _with_entries(item: Object, entries: list[dict[str, Any]]) -> Object:
    if not entries:
        return item
    return {**item, "metadata": {**item.get("metadata", {}), "managedFields": entries}}
