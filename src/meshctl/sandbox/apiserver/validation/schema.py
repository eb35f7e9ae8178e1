"""Schemas of the built-in kinds."""

from __future__ import annotations

from meshctl.sandbox.apiserver.validation.kubernetes.definitions import Node, definitions, kinds


def find(group: str, version: str, kind: str) -> Node | None:
    """The OpenAPI v2 definition of a kind (group "": core), references as `#/definitions/NAME`; None if unknown."""
    name = kinds().get((group, version, kind))
    return definitions()[name] if name else None


def of(obj: dict[str, object]) -> Node | None:
    """The definition of an object's kind."""
    group, _, version = str(obj.get("apiVersion", "")).rpartition("/")
    return find(group, version, str(obj.get("kind", "")))
