"""Sets of fields: a tree of path steps, and its JSON form FieldsV1."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from meshctl.sandbox.apiserver.patch.schema import Schema
from meshctl.sandbox.apiserver.patch.structured import pathelement

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FieldSet:
    """Fields that belong to the set (`members`), and the sets of fields below steps (`children`, none empty).

    A field below a step may belong without the step itself, and the other way round.
    """

    members: frozenset[str] = frozenset()
    children: Mapping[str, FieldSet] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.members or self.children)

    def __contains__(self, path: Path) -> bool:
        below = self
        for step in path[:-1]:
            below = below.below(step)
        return path[-1] in below.members

    def below(self, step: str) -> FieldSet:
        return self.children.get(step, EMPTY)

    def __or__(self, other: FieldSet) -> FieldSet:
        if not self or not other:
            return self or other
        children = dict(self.children)
        for step, theirs in other.children.items():
            children[step] = children[step] | theirs if step in children else theirs
        return FieldSet(self.members | other.members, children)

    def __and__(self, other: FieldSet) -> FieldSet:
        shared = ((step, ours & other.children[step]) for step, ours in self.children.items() if step in other.children)
        return FieldSet(self.members & other.members, _nonempty(shared))

    def __sub__(self, other: FieldSet) -> FieldSet:
        """Without the other's members; what stands below those members stays."""
        rest = ((step, ours - other.below(step)) for step, ours in self.children.items())
        return FieldSet(self.members - other.members, _nonempty(rest))

    def without_trees(self, other: FieldSet) -> FieldSet:
        """Without the other's members and everything below them."""
        rest = (
            (step, ours.without_trees(other.below(step)))
            for step, ours in self.children.items()
            if step not in other.members
        )
        return FieldSet(self.members - other.members, _nonempty(rest))

    def paths(self) -> Iterator[Path]:
        """Every member's path: members before what is below, both in structured-merge-diff's order."""
        for step in sorted(self.members, key=pathelement.order):
            yield (step,)
        for step in sorted(self.children, key=pathelement.order):
            for rest in self.children[step].paths():
                yield (step, *rest)

    def with_named_fields(self, schema: Schema | None) -> FieldSet:
        """With each declared field that has members below it, though it is none itself."""
        declared = schema.map.fields if schema and schema.map else {}
        named = {step for step in self.children if step[0] == "f" and step[2:] in declared}
        children = {step: below.with_named_fields(_step_type(schema, step)) for step, below in self.children.items()}
        return FieldSet(self.members | named, children)


EMPTY = FieldSet()


def _nonempty(children: Iterable[tuple[str, FieldSet]]) -> dict[str, FieldSet]:
    return {step: below for step, below in children if below}


def _step_type(schema: Schema | None, step: str) -> Schema | None:
    if schema is None:
        return None
    if step[0] == "f":
        return schema.map.child(step[2:]) if schema.map else None
    return schema.list.item if step[0] == "k" and schema.list else None


def field_set(paths: Iterable[Path]) -> FieldSet:
    """The set of these paths."""
    found = EMPTY
    for path in paths:
        one = FieldSet(frozenset(path[-1:]))
        for step in reversed(path[:-1]):
            one = FieldSet(children={step: one})
        found |= one
    return found


def named_fields(*paths: str) -> FieldSet:
    """The set of these dotted paths of plain field names (`metadata.name`)."""
    return field_set(tuple(f"f:{name}" for name in path.split(".")) for path in paths)


def from_json(tree: Mapping[str, Any]) -> FieldSet:
    """Reads FieldsV1; BadElement if a step is malformed."""
    members, children = set(), {}
    for key, below in tree.items():
        if key == "." or (step := pathelement.canonical(key)) is None:
            continue
        inner = from_json(below or {})
        if not inner or "." in below:
            members.add(step)
        if inner:
            children[step] = inner
    return FieldSet(frozenset(members), children)


def to_json(fields: FieldSet) -> dict[str, Any]:
    """Writes FieldsV1, steps in order."""
    tree: dict[str, Any] = {}
    for step in sorted(fields.members | fields.children.keys(), key=pathelement.order):
        mark: dict[str, Any] = {".": {}} if step in fields.members and step in fields.children else {}
        tree[step] = mark | to_json(fields.below(step))
    return tree
