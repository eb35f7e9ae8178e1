"""Kubernetes' built-in types: field numbers, JSON names, and patch and list markers, from `kinds.json.gz`."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal, cast

META = "io.k8s.apimachinery.pkg.apis.meta.v1"
OBJECT_META = f"{META}.ObjectMeta"
RAW_EXTENSION = "io.k8s.apimachinery.pkg.runtime.RawExtension"
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"

Presence = Literal["pointer", "null", "omit", "omitzero", "always"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message; `type` is a scalar's protobuf name or a message's OpenAPI name."""

    number: int
    type: str
    repeated: bool
    map: bool
    inline: bool
    presence: Presence
    markers: Mapping[str, Any]

    @property
    def is_message(self) -> bool:
        return "." in self.type

    @property
    def single(self) -> bool:
        return not (self.repeated or self.map)


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its fields by JSON name in Go's order; an `alias` is a list that Go gave a name of its own."""

    name: str
    fields: Mapping[str, Field]
    map_type: str | None
    alias: bool


@cache
def _table() -> Mapping[str, Any]:
    packed = files(__package__).joinpath("kinds.json.gz").read_bytes()
    return MappingProxyType(json.loads(gzip.decompress(packed)))


@cache
def message(name: str) -> Message:
    """The message of an OpenAPI name (`io.k8s.api.core.v1.Pod`); KeyError if there is none."""
    entry = _table()["messages"][name]
    fields = {json_name: _field(found) for json_name, found in entry["fields"].items()}
    return Message(name, MappingProxyType(fields), entry.get("mapType"), "alias" in entry)


def _field(entry: Mapping[str, Any]) -> Field:
    markers = {key: entry[key] for key in ("list", "keys", "mapType", "default", "merge", "strategy") if key in entry}
    return Field(
        entry["n"],
        entry["t"],
        "rep" in entry,
        "map" in entry,
        "inline" in entry,
        entry["p"],
        MappingProxyType(markers),
    )


def type_name(api_version: str, kind: str) -> str | None:
    """The OpenAPI name of a built-in kind; options and Status belong to every version of every group."""
    kinds = cast(Mapping[str, str], _table()["kinds"])
    return kinds.get(f"{api_version}/{kind}") or kinds.get(f"meta.k8s.io/v1/{kind}")
