"""Takes fields out of an object."""

from __future__ import annotations

from typing import Any

from meshctl.sandbox.apiserver.patch.schema import ListType, MapType, Schema
from meshctl.sandbox.apiserver.patch.structured.fieldset import FieldSet
from meshctl.sandbox.apiserver.patch.structured.pathelement import item_element
from meshctl.sandbox.apiserver.patch.structured.shape import shape_of


def without(schema: Schema, value: Any, fields: FieldSet) -> Any:
    """The object without these list items and map keys; None if nothing is left of it.

    What loses only things inside stays, if need be empty; an atomic value that loses anything is gone.
    """
    shape = shape_of(schema, value)
    if isinstance(shape, MapType):
        return _without_keys(shape, value, fields) if isinstance(value, dict) else None
    if isinstance(shape, ListType):
        return _without_items(shape, value, fields) if isinstance(value, list) else None
    return value


def _without_keys(shape: MapType, value: dict[str, Any], fields: FieldSet) -> dict[str, Any] | None:
    if shape.atomic or not value:
        return None
    kept, touched = {}, False
    for key, item in value.items():
        step = f"f:{key}"
        if step in fields.members:
            continue
        below = fields.below(step)
        touched = touched or bool(below)
        kept[key] = _emptied(shape.child(key), item, below) if below else item
    return kept if kept or touched else None


def _without_items(shape: ListType, value: list[Any], fields: FieldSet) -> list[Any] | None:
    if shape.atomic or not value:
        return None
    kept, touched = [], False
    for item in value:
        step = item_element(shape, item)
        if step in fields.members:
            continue
        below = fields.below(step)
        touched = touched or bool(below)
        kept.append(_emptied(shape.item, item, below) if below else item)
    return kept if kept or touched else None


def _emptied(schema: Schema | None, item: Any, below: FieldSet) -> Any:
    rest = without(schema, item, below) if schema else item
    if rest is None and isinstance(item, dict | list):
        return type(item)()
    return rest
