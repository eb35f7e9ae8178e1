"""One write as field management sees it: who writes which kind, when, and what the endpoint ignores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from meshctl.sandbox.apiserver.patch import lastapplied, managedfields
from meshctl.sandbox.apiserver.patch.managedfields import Owned, Owner, Ownership
from meshctl.sandbox.apiserver.patch.ownership import (
    NEVER_OWNED,
    conflict,
    contested,
    dispossessed,
    fitted_to,
    pruned,
)
from meshctl.sandbox.apiserver.patch.refusal import bad_request, internal
from meshctl.sandbox.apiserver.patch.schema import Schema
from meshctl.sandbox.apiserver.patch.structured.check import faults_text
from meshctl.sandbox.apiserver.patch.structured.compare import compare
from meshctl.sandbox.apiserver.patch.structured.fields import named_by
from meshctl.sandbox.apiserver.patch.structured.fieldset import EMPTY, FieldSet
from meshctl.sandbox.apiserver.patch.structured.merge import merge
from meshctl.sandbox.apiserver.patch.values import same


@dataclass(frozen=True, slots=True)
class Writer:
    """`ignored` are the fields that the endpoint resets; `now` is RFC 3339."""

    manager: str
    api_version: str
    kind: str
    schema: Schema
    subresource: str
    ignored: FieldSet
    now: str

    def owner(self, operation: str, manager: str = "") -> Owner:
        return managedfields.owner(manager or self.manager, operation, self.api_version, self.subresource)

    def check(self, config: Mapping[str, Any], live: Mapping[str, Any]) -> None:
        """PatchRefused unless the configuration is one of this kind's, and may be applied."""
        api_version, kind = str(config.get("apiVersion", "")), str(config.get("kind", ""))
        if (api_version, kind) != (self.api_version, self.kind):
            raise bad_request(f"invalid object type: {kind_text(api_version, kind)}")
        if (config.get("metadata") or {}).get("managedFields") is not None:
            raise bad_request("metadata.managedFields must be nil")
        if faults := faults_text(self.schema, config):
            raise internal(f"failed to create typed patch object ({object_text(config)}): {faults}")
        if faults := faults_text(self.schema, live, allow_duplicates=True):
            raise internal(f"failed to create typed live object ({object_text(live)}): {faults}")

    def tracked(
        self, old: Any, new: Any, ownership: Ownership, manager: str = "", operation: str = "Update"
    ) -> Ownership:
        """The ownership after an update from `old` to `new`."""
        who = self.owner(operation, manager)
        changes = compare(self.schema, old, new).without(self.ignored)
        # What the updater itself owned counts as another's here: it comes back with the changes.
        left = dispossessed(fitted_to(self.schema, ownership), NOBODY, changes)
        fields = (changes.modified | changes.added).without_trees(self.ignored) - NEVER_OWNED
        if fields:
            own = left[who].fields if who in left else EMPTY
            left[who] = Owned(own | fields, self.api_version, self.now)
        return managedfields.capped(left)

    def applied(self, live: Any, config: Any, ownership: Ownership, force: bool) -> tuple[Any, Ownership]:
        """The object with the configuration applied, and the ownership then; Conflict if others object."""
        who, ownership = self.owner("Apply"), fitted_to(self.schema, ownership)
        last, fields = ownership.get(who), named_by(self.schema, config).without_trees(self.ignored)
        ownership[who] = Owned(fields, self.api_version, last.time if last else None)
        merged = pruned(self.schema, merge(self.schema, live, config), last, ownership)
        changes = compare(self.schema, live, merged, sparse=True).without(self.ignored)
        if not force:
            self._object(contested(ownership, who, changes), live)
        left = dispossessed(ownership, who, changes)
        if who in left:
            own = replace(left[who], fields=left[who].fields - NEVER_OWNED)
            left[who] = own if same(live, merged) else replace(own, time=self.now)
        return merged, {who: what for who, what in left.items() if what.fields}

    def _object(self, lost: dict[Owner, FieldSet], live: Any) -> None:
        """Raises the Conflict, but for what kubectl may take over from its own client-side applies."""
        allowed = EMPTY
        if self.manager == lastapplied.KUBECTL:
            allowed = lastapplied.still_applied(self.schema, self.api_version, live)
        if found := conflict(lost, allowed):
            raise found


NOBODY = Owner("", "", "", "")


def kind_text(api_version: str, kind: str) -> str:
    """`apps/v1, Kind=Deployment`; a core version starts with a slash, as Go writes it."""
    group, _, version = api_version.rpartition("/")
    return f"{group}/{version}, Kind={kind}"


def object_text(item: Mapping[str, Any]) -> str:
    metadata = item.get("metadata") or {}
    kind = kind_text(str(item.get("apiVersion", "")), str(item.get("kind", "")))
    return f"{metadata.get('namespace', '')}/{metadata.get('name', '')}; {kind}"
