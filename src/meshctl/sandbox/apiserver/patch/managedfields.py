"""`metadata.managedFields`: who owns which fields of an object, read, written, sorted and capped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from meshctl.sandbox.apiserver.patch.structured import fieldset
from meshctl.sandbox.apiserver.patch.structured.fieldset import FieldSet
from meshctl.sandbox.apiserver.patch.structured.pathelement import BadElement, go_json
from meshctl.sandbox.apiserver.patch.values import same

MAX_UPDATERS = 10
ANCIENT = "ancient-changes"


class BadManagedFields(ValueError):
    """Entries that nobody could have written."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who: an applier is the same in every API version, an updater is not."""

    manager: str
    operation: str
    api_version: str
    subresource: str

    @property
    def identifier(self) -> str:
        """The name by which Kubernetes sorts owners (BuildManagerIdentifier, apimachinery v0.36)."""
        parts = {
            "manager": self.manager,
            "operation": self.operation,
            "apiVersion": self.api_version,
            "subresource": self.subresource,
        }
        return "{" + ",".join(f'"{key}":{go_json(value)}' for key, value in parts.items() if value) + "}"

    @property
    def text(self) -> str:
        """As conflict messages name it."""
        below = f' with subresource "{self.subresource}"' if self.subresource else ""
        using = f" using {self.api_version}" if self.operation == "Update" else ""
        return f'"{self.manager}"{below}{using}'


@dataclass(frozen=True, slots=True)
class Owned:
    """What: fields of an API version, and when the owner last changed the object (RFC 3339, None: unknown)."""

    fields: FieldSet
    api_version: str
    time: str | None = None


Ownership = dict[Owner, Owned]


def owner(manager: str, operation: str, api_version: str, subresource: str) -> Owner:
    return Owner(manager or "unknown", operation, "" if operation == "Apply" else api_version, subresource)


def decode(entries: Sequence[Mapping[str, Any]] | None) -> Ownership:
    """Reads managedFields; BadManagedFields if an entry is malformed."""
    return dict(_decoded(index, entry) for index, entry in enumerate(entries or ()))


def _decoded(index: int, entry: Mapping[str, Any]) -> tuple[Owner, Owned]:
    operation, api_version = entry.get("operation", ""), entry.get("apiVersion", "")
    if operation not in ("Apply", "Update"):
        raise BadManagedFields("operation must be `Apply` or `Update`")
    if not api_version:
        raise BadManagedFields("apiVersion must not be empty")
    if not entry.get("fieldsType"):
        raise BadManagedFields(f"missing fieldsType in managed fields entry {index}")
    if entry["fieldsType"] != "FieldsV1":
        raise BadManagedFields(f'invalid fieldsType "{entry["fieldsType"]}" in managed fields entry {index}')
    who = Owner(
        entry.get("manager", ""),
        operation,
        "" if operation == "Apply" else api_version,
        entry.get("subresource", ""),
    )
    try:
        fields = fieldset.from_json(entry.get("fieldsV1") or {})
    except (BadElement, AttributeError, TypeError) as error:
        raise BadManagedFields(f"error decoding set: {error}") from error
    return who, Owned(fields, api_version, entry.get("time"))


def encode(ownership: Ownership) -> list[dict[str, Any]]:
    """Writes managedFields: appliers before updaters, each by time, manager, version and subresource."""
    return [_encoded(who, what) for who, what in sorted(ownership.items(), key=_order)]


def _order(item: tuple[Owner, Owned]) -> tuple[Any, ...]:
    who, what = item
    return (who.operation, seconds(what.time), who.manager, what.api_version, who.subresource)


def _encoded(who: Owner, what: Owned) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "manager": who.manager,
        "operation": who.operation,
        "apiVersion": what.api_version,
    }
    if what.time:
        entry["time"] = what.time
    entry |= {"fieldsType": "FieldsV1", "fieldsV1": fieldset.to_json(what.fields)}
    return entry | ({"subresource": who.subresource} if who.subresource else {})


def seconds(time: str | None) -> int:
    """Unix time; 0 for none."""
    return int(datetime.fromisoformat(time).timestamp()) if time else 0


def timestamp(clock: datetime | None = None) -> str:
    """RFC 3339 in whole seconds; the present moment by default."""
    return (clock or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_reset(entries: Any) -> bool:
    """Whether a request asks to forget all owners: an empty list, or one with a single empty entry."""
    return isinstance(entries, list) and entries in ([], [{}])


def capped(ownership: Ownership) -> Ownership:
    """At most ten updaters: of each API version, the oldest are merged into `ancient-changes`."""
    updaters = [who for who in ownership if who.operation == "Update"]
    updaters.sort(key=lambda who: (seconds(ownership[who].time), who.identifier))
    surplus, kept = len(updaters) - MAX_UPDATERS, dict(ownership)
    first_of: dict[str, Owner] = {}
    for who in updaters:
        if surplus <= 0:
            break
        version = kept[who].api_version
        if version in first_of:
            _bury(kept, who, first_of[version])
            surplus -= 1
        else:
            first_of[version] = who
    return kept


def _bury(ownership: Ownership, who: Owner, first: Owner) -> None:
    recent = ownership.pop(who)
    bucket = owner(ANCIENT, "Update", recent.api_version, "")
    if bucket not in ownership:
        ownership[bucket] = ownership.pop(first)
    ownership[bucket] = replace(ownership[bucket], fields=recent.fields | ownership[bucket].fields, time=recent.time)


def keep_times(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The new object's managedFields, with the old times if nothing but times differs.

    Keeps a write that changes nothing from making a new resourceVersion (IgnoreManagedFieldsTimestampsTransformer).
    """
    before, after = _entries(old), _entries(new)
    if len(before) != len(after) or not same(_timeless(before), _timeless(after)):
        return after
    return before if same(_unmanaged(old), _unmanaged(new)) else after


def _entries(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(item.get("metadata", {}).get("managedFields") or [])


def _timeless(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in entry.items() if key != "time"} for entry in entries]


def _unmanaged(item: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in item.get("metadata", {}).items() if key != "managedFields"}
    return {**item, "metadata": metadata}
