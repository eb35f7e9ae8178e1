"""Objects as Go writes them: fields in the order of their type, empty ones left out or written as it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from meshctl.sandbox.apiserver.patch.kinds import Field, message, type_name
from meshctl.sandbox.apiserver.patch.kinds.openapi import SPECIAL
from meshctl.sandbox.apiserver.patch.protobuf.reading import read_message

Object = dict[str, Any]

EMPTY: tuple[Any, ...] = (None, "", 0, False, [], {})
ZEROS = {"bool": False, "string": "", "bytes": None}


def shaped(obj: Object) -> Object:
    """A built-in kind's object in Go's form; one of another kind as it is."""
    name = type_name(str(obj.get("apiVersion", "")), str(obj.get("kind", "")))
    if name is None:
        return obj
    return {"kind": obj["kind"], "apiVersion": obj["apiVersion"], **_struct(name, obj)}


@dataclass(frozen=True, slots=True)
class _Rule:
    """How a field is written: its struct, whether it may be empty, and what stands for it when it is not set."""

    key: str
    struct: str
    keeps_empty: bool
    written_unset: bool
    field: Field


@cache
def _rules(name: str) -> tuple[_Rule, ...]:
    return tuple(_flat(name))


def _flat(name: str) -> Iterator[_Rule]:
    for key, field in message(name).fields.items():
        if field.inline:
            yield from _flat(field.type)
        else:
            struct = field.type if field.is_message and not _is_leaf(field) else ""
            value = field.single and field.is_message and not _is_alias(field)
            keeps_empty = field.presence != "omit" or value
            written_unset = field.presence in ("always", "null") or (field.presence == "omit" and value)
            yield _Rule(key, struct, keeps_empty, written_unset, field)


def _is_alias(field: Field) -> bool:
    return field.type not in SPECIAL and message(field.type).alias


def _is_leaf(field: Field) -> bool:
    return field.type in SPECIAL or message(field.type).alias


def _struct(name: str, value: Object) -> Object:
    return dict(_entries(name, value))


def _entries(name: str, value: Object) -> Iterator[tuple[str, Any]]:
    for rule in _rules(name):
        found = value.get(rule.key)
        if found is None:
            if rule.written_unset:
                yield rule.key, _unset(rule.field)
        elif rule.keeps_empty or found not in EMPTY:
            yield rule.key, _inside(rule, found) if rule.struct else found


def _inside(rule: _Rule, value: Any) -> Any:
    if rule.field.map and isinstance(value, dict):
        return {key: _inner(rule.struct, one) for key, one in value.items()}
    if isinstance(value, list):
        return [_inner(rule.struct, one) for one in value]
    return _inner(rule.struct, value)


def _inner(name: str, value: Any) -> Any:
    return _struct(name, value) if isinstance(value, dict) else value


def _unset(field: Field) -> Any:
    """What Go writes for a field that is not set."""
    if not field.single or field.presence == "null":
        return None
    if field.is_message:
        return None if _is_alias(field) else read_message(field.type, b"")
    return ZEROS.get(field.type, 0)
