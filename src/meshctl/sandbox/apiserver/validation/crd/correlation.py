"""Which part of an object's former state a part of its new state corresponds to."""

from __future__ import annotations

from typing import Any, Final


class Absent:
    """The type of `ABSENT`."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()


def former_field(old: Any, name: str) -> Any:
    """The former value of a field of an object or a map."""
    return old.get(name, ABSENT) if isinstance(old, dict) else ABSENT


def former_item(schema: dict[str, Any], old: Any, item: Any) -> Any:
    """The former value of a list's item, which only a map-like list can tell."""
    keys = schema.get("x-kubernetes-list-map-keys")
    if not keys or not isinstance(old, list) or not isinstance(item, dict):
        return ABSENT
    wanted = [item.get(key) for key in keys]
    return next((each for each in old if isinstance(each, dict) and [each.get(key) for key in keys] == wanted), ABSENT)
