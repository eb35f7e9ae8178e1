"""What several kinds' cells are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from meshctl.sandbox.apiserver import clock

Object = Mapping[str, Any]

NONE, UNKNOWN, UNSET = "<none>", "<unknown>", "<unset>"


def name(obj: Object) -> str:
    """The object's name."""
    return str(obj["metadata"].get("name", ""))


def age(obj: Object) -> str:
    """How old the object is."""
    return clock.age(obj["metadata"].get("creationTimestamp"))


def spec(obj: Object) -> Object:
    """The object's spec, empty if it has none."""
    return obj.get("spec") or {}


def status(obj: Object) -> Object:
    """The object's status, empty if it has none."""
    return obj.get("status") or {}


def pairs(mapping: Object | None) -> str:
    """`a=1,b=2` in order of the keys, or `<none>`."""
    return ",".join(f"{key}={value}" for key, value in sorted((mapping or {}).items())) or NONE


def selector(given: Object | None) -> str:
    """A LabelSelector as text; `<none>` if it selects everything or is not there."""
    found = given or {}
    parts = [f"{key}={value}" for key, value in (found.get("matchLabels") or {}).items()]
    parts += [_expression(one) for one in found.get("matchExpressions") or ()]
    return ",".join(sorted(parts)) or NONE


def _expression(expression: Object) -> str:
    key, operator = expression["key"], expression["operator"]
    if operator in ("Exists", "DoesNotExist"):
        return key if operator == "Exists" else f"!{key}"
    return f"{key} {operator.lower()} ({','.join(sorted(expression.get('values') or ()))})"


def containers(template: Object | None) -> list[str]:
    """Names and images of a pod template's containers, each joined by commas."""
    found = spec(template or {}).get("containers") or ()
    return [joined(one.get(key, "") for one in found) for key in ("name", "image")]


def joined(parts: Iterable[Any]) -> str:
    """Parts with commas between them."""
    return ",".join(str(part) for part in parts)


def shortened(parts: list[str], most: int) -> str:
    """The first ones and how many more there are; `<none>` if there is none."""
    if not parts:
        return NONE
    more = f" + {len(parts) - most} more..." if len(parts) > most else ""
    return joined(parts[:most]) + more
