"""The set of fields that an object names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from meshctl.sandbox.apiserver.patch.schema import ListType, MapType, Schema
from meshctl.sandbox.apiserver.patch.structured.fieldset import FieldSet
from meshctl.sandbox.apiserver.patch.structured.pathelement import item_element
from meshctl.sandbox.apiserver.patch.structured.shape import as_list, as_map, shape_of


def named_by(schema: Schema, value: Any) -> FieldSet:
    """Every leaf, list item and map key that the object mentions."""
    return _collect(_steps(schema, value))


Step = tuple[str, bool, FieldSet]


def _collect(steps: Iterator[Step]) -> FieldSet:
    members, children = set(), {}
    for step, is_member, below in steps:
        if is_member:
            members.add(step)
        if below:
            children[step] = below
    return FieldSet(frozenset(members), children)


def _steps(schema: Schema, value: Any) -> Iterator[Step]:
    shape = shape_of(schema, value)
    if isinstance(shape, MapType) and not shape.atomic:
        yield from _map_steps(shape, as_map(value))
    elif isinstance(shape, ListType) and not shape.atomic:
        yield from _list_steps(shape, as_list(value))


def is_leaf(schema: Schema, value: Any) -> bool:
    """Whether the value counts as one field, whatever is inside."""
    shape = shape_of(schema, value)
    return shape == "scalar" or (isinstance(shape, MapType | ListType) and shape.atomic)


def _map_steps(shape: MapType, value: dict[str, Any]) -> Iterator[Step]:
    for key, item in value.items():
        child = shape.child(key)
        if child is None:
            continue
        whole = is_leaf(child, item) or item is None or item == {} or key not in shape.fields
        yield f"f:{key}", whole, named_by(child, item)


def _list_steps(shape: ListType, value: list[Any]) -> Iterator[Step]:
    steps = [item_element(shape, item) for item in value]
    times = Counter(steps)
    for step, item in zip(steps, value, strict=True):
        # Items of one key are owned as a whole: nobody can tell which of them is meant.
        yield step, True, FieldSet() if times[step] > 1 else named_by(shape.item, item)
