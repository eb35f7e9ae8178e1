"""JSON Merge Patch (RFC 7386) as the API server applies it (evanphx/json-patch v4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.apiserver.patch.values import copy


def merge_patch(doc: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the patch merged in: null removes a key, objects merge, anything else replaces."""
    return _merged(doc, patch)


def _merged(doc: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    result = {key: copy(value) for key, value in doc.items() if key not in patch}
    for key, value in patch.items():
        if value is None:
            continue
        result[key] = _replaced(doc.get(key), value)
    return {key: result[key] for key in [*doc, *patch] if key in result}


def _replaced(old: Any, value: Any) -> Any:
    if isinstance(old, dict):
        # The library prunes no list that takes an object's place.
        return _merged(old, value) if isinstance(value, dict) else copy(value)
    return _pruned(value)


def _pruned(value: Any) -> Any:
    """A copy without keys that are null; null items of lists stay."""
    if isinstance(value, dict):
        return {key: _pruned(item) for key, item in value.items() if item is not None}
    return [_pruned(item) for item in value] if isinstance(value, list) else value
