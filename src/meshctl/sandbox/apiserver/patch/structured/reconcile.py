"""Fits field sets written under an older schema: what became atomic is owned as a whole."""

from __future__ import annotations

from meshctl.sandbox.apiserver.patch.schema import ListType, MapType, Schema
from meshctl.sandbox.apiserver.patch.structured.fieldset import FieldSet


def fitted(schema: Schema, fields: FieldSet) -> FieldSet:
    """The same set, each atomic type's inner fields replaced by the field itself."""
    shape = schema.map or (None if schema.scalar else schema.list)
    if shape is None or (isinstance(shape, MapType) and not shape.fields and _anything(shape.other)):
        return fields
    members, children = set(fields.members), {}
    for step, below in fields.children.items():
        child = _child(shape, step)
        if child is not None and _is_atomic(child):
            members.add(step)
        else:
            children[step] = fitted(child, below) if child else below
    return FieldSet(frozenset(members), children)


def _child(shape: MapType | ListType, step: str) -> Schema | None:
    if isinstance(shape, ListType):
        return shape.item
    return shape.child(step[2:]) if step[0] == "f" else shape.other


def _is_atomic(schema: Schema) -> bool:
    shape = schema.map or (None if schema.scalar else schema.list)
    if isinstance(shape, MapType) and not shape.fields and _anything(shape.other):
        return False
    return shape is not None and shape.atomic


def _anything(schema: Schema | None) -> bool:
    return schema is not None and schema.type == "" and bool(schema.map) and not schema.node
