"""JSON values: a mark for what is not there, equality as Go sees it, and copies."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final


class Missing(Enum):
    """The type of MISSING, which differs from null."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


def same(left: Any, right: Any) -> bool:
    """Deep equality of JSON values; unlike Python, `true` is not 1."""
    if isinstance(left, dict):
        return (
            isinstance(right, dict)
            and len(left) == len(right)
            and all(key in right and same(value, right[key]) for key, value in left.items())
        )
    if isinstance(left, list):
        return isinstance(right, list) and len(left) == len(right) and all(map(same, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def copy(value: Any) -> Any:
    """A deep copy of a JSON value."""
    if isinstance(value, dict):
        return {key: copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copy(item) for item in value]
    return value
