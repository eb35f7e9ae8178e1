"""Which fields differ between two objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from meshctl.sandbox.apiserver.patch.schema import ListType, MapType, Schema
from meshctl.sandbox.apiserver.patch.structured.fieldset import EMPTY, FieldSet
from meshctl.sandbox.apiserver.patch.structured.pathelement import item_element
from meshctl.sandbox.apiserver.patch.structured.shape import Shape, as_list, as_map, shared_shapes
from meshctl.sandbox.apiserver.patch.values import MISSING, same

Verdict = Literal["added", "modified", "removed"]
Change = tuple[Verdict, str] | tuple[str, "Comparison"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Fields only in the new object, in both but different, only in the old one."""

    added: FieldSet = EMPTY
    modified: FieldSet = EMPTY
    removed: FieldSet = EMPTY

    def without(self, ignored: FieldSet) -> Comparison:
        if not ignored:
            return self
        return Comparison(
            self.added.without_trees(ignored),
            self.modified.without_trees(ignored),
            self.removed.without_trees(ignored),
        )

    def __bool__(self) -> bool:
        return bool(self.added or self.modified or self.removed)


class _Collector:
    """Gathers the changes below one place; `sparse` if what is new comes from an applied configuration."""

    def __init__(self, sparse: bool) -> None:
        self.sparse = sparse
        self.members: dict[Verdict, set[str]] = {"added": set(), "modified": set(), "removed": set()}
        self.children: dict[Verdict, dict[str, FieldSet]] = {"added": {}, "modified": {}, "removed": {}}

    def mark(self, verdict: Verdict, step: str) -> None:
        self.members[verdict].add(step)

    def put(self, step: str, below: Comparison) -> None:
        for verdict, found in (
            ("added", below.added),
            ("modified", below.modified),
            ("removed", below.removed),
        ):
            if found:
                children = self.children[verdict]  # type: ignore[index]
                children[step] = children[step] | found if step in children else found

    def result(self) -> Comparison:
        added, modified, removed = (
            FieldSet(frozenset(members), self.children[verdict]) for verdict, members in self.members.items()
        )
        return Comparison(added, modified, removed)


def compare(schema: Schema, old: Any, new: Any, sparse: bool = False) -> Comparison:
    """Compares two objects of one type; `sparse` if `new` is `old` with a configuration laid over it."""
    found = _Collector(sparse)
    for shape in shared_shapes(schema, old, new):
        if not is_whole(shape, old, new):
            _compare_inside(shape, old, new, found)
    return found.result()


def is_whole(shape: Shape, old: Any, new: Any) -> bool:
    """Whether a value is compared and merged as one: scalars, atomic types, and what is empty on both sides."""
    if isinstance(shape, MapType):
        return shape.atomic or not (as_map(old) or as_map(new))
    if isinstance(shape, ListType):
        return shape.atomic or not (as_list(old) or as_list(new))
    return True


def _compare_inside(shape: Shape, old: Any, new: Any, found: _Collector) -> None:
    if isinstance(shape, MapType):
        _compare_maps(shape, old, new, found)
    elif isinstance(shape, ListType):
        _compare_lists(shape, as_list(old), as_list(new), found)


def _compare_maps(shape: MapType, old: Any, new: Any, found: _Collector) -> None:
    before = _filled(shape, old)
    after = as_map(new) if found.sparse and not isinstance(old, dict) else _filled(shape, new)
    for key in before.keys() | after.keys():
        child = shape.child(key)
        if child is not None:
            _compare_value(child, f"f:{key}", before.get(key, MISSING), after.get(key, MISSING), found)


def _filled(shape: MapType, value: Any) -> dict[str, Any]:
    """The map with what Go always writes: there an empty struct is never absent, so nobody adds or removes it."""
    if not isinstance(value, dict):
        return {}
    return {**shape.zeros, **value} if shape.zeros else value


def _compare_value(schema: Schema, step: str, old: Any, new: Any, found: _Collector) -> None:
    if old is new:
        return
    whole = False
    for shape in shared_shapes(schema, old, new):
        whole = is_whole(shape, old, new)
        if whole:
            for verdict in _verdict(old, new):
                found.mark(verdict, step)
        else:
            inside = _Collector(found.sparse)
            _compare_inside(shape, old, new, inside)
            found.put(step, inside.result())
    if not whole and old is MISSING:
        found.mark("added", step)
    elif not whole and new is MISSING:
        found.mark("removed", step)


def _verdict(old: Any, new: Any) -> Iterator[Verdict]:
    if old is MISSING:
        yield "added"
    elif new is MISSING:
        yield "removed"
    elif not same(old, new):
        yield "modified"


def _compare_lists(shape: ListType, old: list[Any], new: list[Any], found: _Collector) -> None:
    before, after = by_element(shape, old), by_element(shape, new)
    for step in before.keys() | after.keys():
        _compare_items(shape.item, step, before.get(step, []), after.get(step, []), found)


def by_element(shape: ListType, items: list[Any]) -> dict[str, list[Any]]:
    """The items of an associative list by their step; several where keys repeat."""
    found: dict[str, list[Any]] = {}
    for item in items:
        found.setdefault(item_element(shape, item), []).append(item)
    return found


def _compare_items(item: Schema, step: str, old: list[Any], new: list[Any], found: _Collector) -> None:
    """Items of one key; where a key repeats, they count as one whole."""
    if len(old) <= 1 and len(new) <= 1:
        _compare_value(item, step, old[0] if old else MISSING, new[0] if new else MISSING, found)
    elif len(old) > 1 and len(new) > 1:
        if not same(old, new):
            found.mark("modified", step)
    elif len(old) > 1:
        if new:
            _compare_value(item, step, MISSING, new[0], found)
        found.mark("removed", step)
    else:
        if old:
            _compare_value(item, step, old[0], MISSING, found)
        found.mark("added", step)
