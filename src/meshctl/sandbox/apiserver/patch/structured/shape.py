"""Which of its types' forms a value takes."""

from __future__ import annotations

from typing import Any, Literal

from meshctl.sandbox.apiserver.patch.schema import ListType, MapType, Schema
from meshctl.sandbox.apiserver.patch.values import MISSING

Shape = MapType | ListType | Literal["scalar"] | None


def shape_of(schema: Schema, value: Any) -> Shape:
    """The form that fits the value; for null and for what fits none, the type's first of map, scalar, list."""
    if isinstance(value, dict) and schema.map:
        return schema.map
    if isinstance(value, list) and schema.list:
        return schema.list
    if isinstance(value, (str, int, float, bool)) and schema.scalar:
        return "scalar"
    return schema.map or ("scalar" if schema.scalar else schema.list)


def shared_shapes(schema: Schema, old: Any, new: Any) -> tuple[Shape, ...]:
    """The one form of a changed value, or both where it changed from one to another."""
    after = shape_of(schema, new)
    if new is MISSING:
        return (shape_of(schema, old),)
    before = shape_of(schema, old)
    return (after,) if old is MISSING or before is after else (before, after)


def as_map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
