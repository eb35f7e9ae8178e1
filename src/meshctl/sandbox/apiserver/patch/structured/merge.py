"""Lays a configuration over an object: the configuration's values win, nothing is removed."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

from meshctl.sandbox.apiserver.patch.schema import ListType, MapType, Schema
from meshctl.sandbox.apiserver.patch.structured.compare import is_whole
from meshctl.sandbox.apiserver.patch.structured.pathelement import item_element
from meshctl.sandbox.apiserver.patch.structured.shape import as_list, as_map, shape_of
from meshctl.sandbox.apiserver.patch.values import MISSING


def merge(schema: Schema, old: Any, new: Any) -> Any:
    """The merged value, MISSING if nothing is left of it. The result may share parts with its sources."""
    shape = shape_of(schema, old if new is MISSING else new)
    if is_whole(shape, old, new):
        return old if new is MISSING else new
    if isinstance(shape, MapType):
        return _merge_maps(shape, as_map(old), as_map(new)) or MISSING
    if isinstance(shape, ListType):
        return _merge_lists(shape, as_list(old), as_list(new)) or MISSING
    return MISSING


def _merge_maps(shape: MapType, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    merged = {}
    for key in [*old, *(key for key in new if key not in old)]:
        child = shape.child(key)
        if child is not None:
            value = merge(child, old.get(key, MISSING), new.get(key, MISSING))
            if value is not MISSING:
                merged[key] = value
    return merged


def _merge_lists(shape: ListType, old: list[Any], new: list[Any]) -> list[Any]:
    steps = [item_element(shape, item) for item in old]
    times = Counter(steps)
    # Repeated items are not merged with a new one, they give way to it.
    ours = {step: None if times[step] > 1 else item for step, item in zip(steps, old, strict=True)}
    theirs = {item_element(shape, item): item for item in new}
    merged = []
    for index, step in interleaved(steps, list(theirs)):
        if index is None:
            merged.append(merge(shape.item, ours.get(step, MISSING), theirs[step]))
        else:
            merged.append(merge(shape.item, old[index], MISSING))
    return [item for item in merged if item is not MISSING]


def interleaved(left: list[str], right: list[str]) -> Iterator[tuple[int | None, str]]:
    """The merged order: `right`'s items in their order, those only in `left` (with their index) in between.

    The order of structured-merge-diff v6 (typed/merge.go, visitListItems).
    """
    in_left, in_right, done = set(left), set(right), set[str]()
    wanted = deque(step for step in right if step in in_left)
    here = there = 0
    while here < len(left) or there < len(right):
        step = left[here] if here < len(left) else None
        next_one = right[there] if there < len(right) else None
        if step is not None and step == next_one:
            yield None, step
            done.add(step)
            here, there = here + 1, there + 1
            if wanted:
                wanted.popleft()
            continue
        if step is not None and next_one is not None and step in in_right and wanted and wanted[0] != step:
            here += 1
            continue
        if step is not None and step not in in_right:
            yield here, step
            here += 1
            continue
        if step is not None and step in done:
            here += 1
        if next_one is not None:
            yield None, next_one
            there += 1
            done.add(next_one)
            if wanted and wanted[0] == next_one:
                wanted.popleft()
