"""Label selectors against labels (Kubernetes API conventions, apimachinery pkg/labels)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector selects the labels; an empty one selects all."""
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(requirement(one, labels) for one in selector.get("matchExpressions") or ())


def requirement(one: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether labels meet a requirement: of a LabelSelector, or of a node selector, which also compares numbers."""
    key, values = one["key"], list(one.get("values") or ())
    match one["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case "Gt":
            return _number(labels.get(key)) > _number(values[0], default=float("inf"))
        case "Lt":
            return _number(labels.get(key), default=float("inf")) < _number(values[0])
    return False


def _number(text: str | None, default: float = float("-inf")) -> float:
    try:
        return int(text or "")
    except ValueError:
        return default
