"""Lists that are sets or maps: no item, or key, twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meshctl.sandbox.apiserver.validation.cause import Cause, duplicate
from meshctl.sandbox.apiserver.validation.golang import as_json


def list_causes(schema: dict[str, Any], value: Any, path: str) -> Iterator[Cause]:
    """The items that repeat an earlier one."""
    if isinstance(value, list):
        yield from _repeated(schema, value, path)
        items = schema.get("items") or {}
        for at, item in enumerate(value):
            yield from list_causes(items, item, f"{path}[{at}]")
    if isinstance(value, dict):
        for name, item in value.items():
            values = schema.get("additionalProperties")
            known = schema.get("properties", {}).get(name)
            if known is not None:
                yield from list_causes(known, item, f"{path}.{name}" if path else name)
            elif isinstance(values, dict):
                yield from list_causes(values, item, f"{path}[{name}]")


def _repeated(schema: dict[str, Any], value: list[Any], path: str) -> Iterator[Cause]:
    kind = schema.get("x-kubernetes-list-type")
    if kind not in ("set", "map"):
        return
    seen: set[str] = set()
    for at, item in enumerate(value):
        shown = _key(schema, item) if kind == "map" else item
        key = as_json(shown)
        if key in seen:
            yield duplicate(f"{path}[{at}]", shown)
        seen.add(key)


def _key(schema: dict[str, Any], item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    defaults = (schema.get("items") or {}).get("properties", {})
    keys: list[str] = schema.get("x-kubernetes-list-map-keys", [])
    found = {key: item.get(key, defaults.get(key, {}).get("default")) for key in keys}
    return {key: value for key, value in found.items() if value is not None}
