"""Takes away what a structural schema doesn't specify."""

from __future__ import annotations

from typing import Any

_ANYTHING = {"x-kubernetes-preserve-unknown-fields": True}
_RESOURCE = frozenset({"apiVersion", "kind", "metadata"})


def pruned_value(schema: dict[str, Any], value: Any, path: str, unknown: list[str]) -> Any:
    """The value with known fields alone; the paths of the others are added to `unknown`."""
    if isinstance(value, list):
        items = schema.get("items") or (_ANYTHING if schema.get("x-kubernetes-preserve-unknown-fields") else {})
        return [pruned_value(items, item, f"{path}[{at}]", unknown) for at, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, item in value.items():
        inner = f"{path}.{name}" if path else name
        part = _part(schema, name)
        if part is None:
            unknown.append(inner)
        else:
            kept[name] = pruned_value(part, item, inner, unknown)
    return kept


def _part(schema: dict[str, Any], name: str) -> dict[str, Any] | None:
    """The schema of a field; None if there is no such field."""
    known = schema.get("properties", {}).get(name)
    if known is not None:
        found: dict[str, Any] = known
        return found
    if schema.get("x-kubernetes-embedded-resource") and name in _RESOURCE:
        return _ANYTHING
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        return values
    if values or schema.get("x-kubernetes-preserve-unknown-fields"):
        return _ANYTHING
    return None
