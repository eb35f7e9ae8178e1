"""Fills in what a structural schema gives a default for."""

from __future__ import annotations

from copy import deepcopy
from typing import Any


def default_value(schema: dict[str, Any], value: Any) -> Any:
    """The value with defaults, and without nulls that the schema doesn't allow."""
    if isinstance(value, list):
        items = schema.get("items") or {}
        return [default_value(items, item) for item in value]
    if not isinstance(value, dict):
        return value
    properties: dict[str, dict[str, Any]] = schema.get("properties", {})
    values = schema.get("additionalProperties")
    filled = {}
    for name, item in value.items():
        part = properties.get(name) or (values if isinstance(values, dict) else None)
        if item is None and part is not None and not part.get("nullable"):
            continue
        filled[name] = item if part is None else default_value(part, item)
    for name, part in properties.items():
        if name not in filled and "default" in part:
            filled[name] = default_value(part, deepcopy(part["default"]))
    return filled
