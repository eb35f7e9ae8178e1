"""What server-side apply and strategic merge patch need to know of a type, read from an OpenAPI node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from meshctl.sandbox.apiserver.patch import kinds
from meshctl.sandbox.apiserver.patch.kinds import openapi
from meshctl.sandbox.apiserver.patch.values import MISSING

Resolve = Callable[[str], Mapping[str, Any]]
SCALARS = {"integer": "numeric", "number": "numeric", "boolean": "boolean"}


@dataclass(frozen=True, slots=True)
class ListType:
    """`atomic`, or associative: by `keys`, and by the items themselves (a set) without keys."""

    atomic: bool
    keys: tuple[str, ...]
    item: Schema


@dataclass(frozen=True, slots=True)
class MapType:
    """Known `fields`, the type of every `other` key (None: not allowed), and what Go writes when a field is empty."""

    atomic: bool
    fields: Mapping[str, Schema]
    other: Schema | None
    zeros: Mapping[str, Any]

    def child(self, name: str) -> Schema | None:
        return self.fields.get(name, self.other)


class Schema:
    """One type; `node` is an OpenAPI v2 or v3 node, `resolve` gives the node of a `$ref`.

    A node without a type may be anything (a custom resource without schema: `Schema({})`); it is merged by the
    rules of structured-merge-diff's deduced type.
    """

    def __init__(self, node: Mapping[str, Any], resolve: Resolve = openapi.resolve, preserve: bool = False) -> None:
        self.node = node
        self.resolve = resolve
        reference = _reference(node)
        self.target = resolve(reference) if reference else node
        self.preserve = preserve or self.target.get("x-kubernetes-preserve-unknown-fields") is True

    def _child(self, node: Mapping[str, Any]) -> Schema:
        return Schema(node, self.resolve, self.preserve and not _reference(node))

    @property
    def name(self) -> str:
        """The Go name of a struct (`PodSpec`), empty for what has none."""
        return (_reference(self.node) or str(self.node.get("title", ""))).rpartition(".")[2]

    @property
    def type(self) -> str:
        return str(self.target.get("type", ""))

    @cached_property
    def scalar(self) -> str | None:
        """`numeric`, `string`, `boolean`, `untyped`, or None where no scalar may stand."""
        if self.type in ("object", "array"):
            return None
        if self.type == "string":
            return "string" if self.target.get("format", "") in ("", "byte") else "untyped"
        return SCALARS.get(self.type, "untyped")

    @cached_property
    def list(self) -> ListType | None:
        if self.type not in ("", "array"):
            return None
        kind = self._extension("x-kubernetes-list-type")
        keys = tuple(self._extension("x-kubernetes-list-map-keys") or ()) if kind == "map" else ()
        if kind is None and "merge" in self.strategies:
            kind, keys = "map" if self.merge_key else "set", (self.merge_key,) if self.merge_key else ()
        return ListType(kind not in ("map", "set"), keys, self._child(self.target.get("items", UNTYPED)))

    @cached_property
    def map(self) -> MapType | None:
        if self.type not in ("", "object"):
            return None
        properties: Mapping[str, Any] = self.target.get("properties") or {}
        return MapType(
            self._extension("x-kubernetes-map-type") == "atomic",
            {name: self._child(node) for name, node in properties.items()},
            self._other_keys(bool(properties)),
            {name: node[openapi.ZERO] for name, node in properties.items() if openapi.ZERO in node},
        )

    def _other_keys(self, has_properties: bool) -> Schema | None:
        other = self.target.get("additionalProperties")
        if isinstance(other, Mapping):
            return self._child(other)
        if other is None:
            return ANYTHING if self.preserve or not has_properties else None
        return ANYTHING if other else None

    @property
    def default(self) -> Any:
        """What a list item without this key counts as having, MISSING for nothing."""
        value = self.node.get("default", self.node.get(openapi.ZERO))
        return MISSING if value is None else value

    @property
    def merge_key(self) -> str:
        return str(self.node.get("x-kubernetes-patch-merge-key", ""))

    @property
    def strategies(self) -> tuple[str, ...]:
        """Patch strategies: `merge`, `retainKeys`, `replace`."""
        return tuple(filter(None, str(self.node.get("x-kubernetes-patch-strategy", "")).split(",")))

    def _extension(self, key: str) -> Any:
        return self.node[key] if key in self.node else self.target.get(key)


def _reference(node: Mapping[str, Any]) -> str | None:
    if "$ref" in node:
        return str(node["$ref"])
    # OpenAPI v3 allows no siblings of $ref, so Kubernetes wraps it.
    wrapped: Sequence[Mapping[str, Any]] = node.get("allOf") or ()
    return str(wrapped[0]["$ref"]) if len(wrapped) == 1 and "$ref" in wrapped[0] else None


UNTYPED: Mapping[str, Any] = {"x-kubernetes-map-type": "atomic"}
ANYTHING = Schema({})


@cache
def builtin(api_version: str, kind: str) -> Schema | None:
    """The schema of a built-in kind, None if there is none (`builtin("apps/v1", "Deployment")`)."""
    name = kinds.type_name(api_version, kind)
    return Schema({**_with_type_meta(openapi.definition(name)), "title": kind}) if name else None


def custom(node: Mapping[str, Any] | None) -> Schema:
    """The schema of a custom resource from its CRD's openAPIV3Schema; None merges everything by its looks."""
    if node is None:
        return ANYTHING
    metadata = {"$ref": openapi.REF + kinds.OBJECT_META}
    return Schema(_with_type_meta({**node, "properties": {**(node.get("properties") or {}), "metadata": metadata}}))


def _with_type_meta(node: Mapping[str, Any]) -> Mapping[str, Any]:
    names = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}
    return {**node, "properties": names | node.get("properties", {})}
