"""Whether an object fits its type, in structured-merge-diff's words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meshctl.sandbox.apiserver.patch import gotext
from meshctl.sandbox.apiserver.patch.schema import ListType, MapType, Schema
from meshctl.sandbox.apiserver.patch.structured import pathelement
from meshctl.sandbox.apiserver.patch.structured.shape import shape_of

Fault = tuple[str, str]


def faults_text(schema: Schema, value: Any, allow_duplicates: bool = False) -> str:
    """All faults as one message, empty if there is none."""
    found = [f"{path}: {message}" if path else message for path, message in faults(schema, value, allow_duplicates)]
    return found[0] if len(found) == 1 else "\n".join(["errors:", *(f"  {one}" for one in found)]) if found else ""


def faults(schema: Schema, value: Any, allow_duplicates: bool) -> Iterator[Fault]:
    shape = shape_of(schema, value)
    if value is None:
        return
    if isinstance(shape, MapType):
        yield from _map_faults(shape, value, allow_duplicates)
    elif isinstance(shape, ListType):
        yield from _list_faults(shape, value, allow_duplicates)
    elif schema.scalar and (message := _scalar_fault(schema.scalar, value)):
        yield "", message


def _map_faults(shape: MapType, value: Any, allow_duplicates: bool) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield "", f"expected map, got &{{{gotext.plain(value)}}}"
        return
    for key, item in value.items():
        child = shape.child(key)
        if child is None:
            yield f".{key}", "field not declared in schema"
            return
        yield from ((f".{key}{path}", message) for path, message in faults(child, item, allow_duplicates))


def _list_faults(shape: ListType, value: Any, allow_duplicates: bool) -> Iterator[Fault]:
    if not isinstance(value, list):
        yield "", f"expected list, got &{{{gotext.plain(value)}}}"
        return
    seen = set[str]()
    for index, item in enumerate(value):
        try:
            step = f"i:{index}" if shape.atomic else pathelement.item_element(shape, item)
        except pathelement.BadElement as error:
            yield "", f"element {index}: {error}"
            return
        if step in seen and not allow_duplicates:
            yield "", f"duplicate entries for key {pathelement.text(step)}"
        seen.add(step)
        place = pathelement.text(step)
        yield from ((place + path, message) for path, message in faults(shape.item, item, allow_duplicates))


def _scalar_fault(kind: str, value: Any) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "numeric":
        return "" if number else f"expected numeric (int or float), got {gotext.type_name(value)}"
    if kind == "string":
        seen = f"&value.valueUnstructured{{Value:{gotext.syntax(value)}}}"
        return "" if isinstance(value, str) else f"expected string, got {seen}"
    if kind == "boolean":
        return "" if isinstance(value, bool) else f"expected boolean, got &{{{gotext.plain(value)}}}"
    fits = isinstance(value, str | int | float)
    return "" if fits else f"expected any scalar, got &{{{gotext.plain(value)}}}"
