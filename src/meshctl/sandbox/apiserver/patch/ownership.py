"""How ownership of fields moves when an object is applied or updated (structured-merge-diff v6, merge/update.go)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import reduce
from operator import or_
from typing import Any

from meshctl.sandbox.apiserver.patch.managedfields import Owned, Owner, Ownership
from meshctl.sandbox.apiserver.patch.refusal import Cause, Conflict
from meshctl.sandbox.apiserver.patch.schema import Schema
from meshctl.sandbox.apiserver.patch.structured.compare import Comparison
from meshctl.sandbox.apiserver.patch.structured.fields import named_by
from meshctl.sandbox.apiserver.patch.structured.fieldset import EMPTY, FieldSet, Path, named_fields
from meshctl.sandbox.apiserver.patch.structured.pathelement import text
from meshctl.sandbox.apiserver.patch.structured.reconcile import fitted
from meshctl.sandbox.apiserver.patch.structured.remove import without

NEVER_OWNED = named_fields(
    "apiVersion",
    "kind",
    "metadata",
    "metadata.name",
    "metadata.namespace",
    "metadata.creationTimestamp",
    "metadata.selfLink",
    "metadata.uid",
    "metadata.clusterName",
    "metadata.generation",
    "metadata.managedFields",
    "metadata.resourceVersion",
)


def fitted_to(schema: Schema, ownership: Ownership) -> Ownership:
    """The owners' fields as the schema of today has them."""
    return {who: replace(what, fields=fitted(schema, what.fields)) for who, what in ownership.items()}


def contested(ownership: Ownership, actor: Owner, changes: Comparison) -> dict[Owner, FieldSet]:
    """What others own of the fields that the actor changes or adds."""
    taken = changes.modified | changes.added
    found = {who: what.fields & taken for who, what in ownership.items() if who != actor}
    return {who: fields for who, fields in found.items() if fields}


def conflict(fields_by_owner: dict[Owner, FieldSet], allowed: FieldSet = EMPTY) -> Conflict | None:
    """The conflict over these fields but the allowed ones, None if nothing remains."""
    causes = [
        Cause(who.text, path_text(path))
        for who in sorted(fields_by_owner, key=lambda who: who.identifier)
        for path in fields_by_owner[who].paths()
        if path not in allowed
    ]
    return Conflict(causes) if causes else None


def path_text(path: Path) -> str:
    return "".join(map(text, path))


def dispossessed(ownership: Ownership, actor: Owner, changes: Comparison) -> Ownership:
    """The ownership after others lost what the actor changed or added, and all lost what is gone."""
    lost = contested(ownership, actor, changes)
    left = {
        who: what if who == actor else replace(what, fields=what.fields - lost.get(who, EMPTY) - changes.removed)
        for who, what in ownership.items()
    }
    return {who: what for who, what in left.items() if what.fields}


def pruned(schema: Schema, merged: Any, last: Owned | None, ownership: Ownership) -> Any:
    """Without what the applier named last time and nobody names now."""
    if last is None or not last.fields:
        return merged
    before = last.fields.with_named_fields(schema)
    everything = _named(schema, merged)
    kept = _named(schema, without(schema, merged, before)) | _all_fields(ownership).with_named_fields(schema)
    rest = without(schema, merged, everything - kept)
    # What was never this applier's own stays, even where its parent went.
    return without(schema, merged, (everything - _named(schema, rest)) & before) or {}


def _named(schema: Schema, value: Any) -> FieldSet:
    return named_by(schema, value).with_named_fields(schema)


def _all_fields(ownership: Ownership) -> FieldSet:
    sets: Iterable[FieldSet] = (what.fields for what in ownership.values())
    return reduce(or_, sets, EMPTY)
