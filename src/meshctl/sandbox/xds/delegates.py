"""Routes of a delegate VirtualService under the conditions and defaults of the root's route that names it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

Fields = Mapping[str, Any]

_INHERITED = (
    "rewrite",
    "directResponse",
    "timeout",
    "retries",
    "fault",
    "mirror",
    "mirrorPercent",
    "mirrorPercentage",
    "corsPolicy",
    "mirrors",
    "headers",
)
_STRING_MATCHES = ("uri", "scheme", "method", "authority")
_MAPS = ("headers", "withoutHeaders", "queryParams")


def merged(root: Fields, routes: Iterable[Fields]) -> Iterator[Fields]:
    """Each route of the delegate that can be reached through the root's (Istio model/virtualservice.go)."""
    for route in routes:
        conditions = _conditions(root.get("match") or (), route.get("match") or ())
        if conditions is not None:
            yield _merged_route(root, route, conditions)


def _merged_route(root: Fields, route: Fields, conditions: Sequence[Fields]) -> Fields:
    inherited = {key: root[key] for key in _INHERITED if root.get(key) is not None and route.get(key) is None}
    out = {**route, **inherited, "match": list(conditions)}
    out["name"] = _joined(root.get("name"), route.get("name"))
    return out


def _joined(root: str | None, own: str | None) -> str:
    return "-".join(part for part in (root, own) if part)


def _conditions(root: Sequence[Fields], own: Sequence[Fields]) -> Sequence[Fields] | None:
    """Each condition within one of the root's; None if one of them is within none."""
    if not root or not own:
        return own or root
    pairs = [(outer, inner) for inner, outer in product(own, root) if not _conflict(outer, inner)]
    within = [inner for _, inner in pairs]
    if any(inner not in within for inner in own):
        return None
    return [_merged_condition(outer, inner) for outer, inner in pairs]


def _merged_condition(root: Fields, own: Fields) -> Fields:
    out = {**root, **{key: value for key, value in own.items() if value}}
    for key in (*_MAPS, "sourceLabels"):
        out[key] = {**(root.get(key) or {}), **(own.get(key) or {})}
    out["name"] = _joined(root.get("name"), own.get("name"))
    return out


def _conflict(root: Fields, own: Fields) -> bool:
    return (
        any(_strings_conflict(root.get(key), own.get(key)) for key in _STRING_MATCHES)
        or any(_maps_conflict(root.get(key) or {}, own.get(key) or {}) for key in _MAPS)
        or bool(root.get("ignoreUriCase")) != bool(own.get("ignoreUriCase"))
        or _differ(root.get("port"), own.get("port"))
        or (root.get("sourceNamespace") or own.get("sourceNamespace")) != own.get("sourceNamespace")
        or _labels_conflict(root.get("sourceLabels") or {}, own.get("sourceLabels") or {})
        or _gateways_conflict(root.get("gateways") or (), own.get("gateways") or ())
    )


def _differ(root: object, own: object) -> bool:
    return bool(root) and bool(own) and root != own


def _maps_conflict(root: Fields, own: Fields) -> bool:
    return any(_strings_conflict(root.get(key), match) for key, match in own.items())


def _labels_conflict(root: Fields, own: Fields) -> bool:
    return any(key in root and root[key] != value for key, value in own.items())


def _gateways_conflict(root: Sequence[str], own: Sequence[str]) -> bool:
    return bool(root) and bool(own) and (len(root) < len(own) or not set(own) <= set(root))


def _strings_conflict(root: Fields | None, own: Fields | None) -> bool:
    """Whether the delegate's match is not within the root's; a regex allows no other match beside it."""
    if root is None or own is None:
        return False
    outer, inner = _filled(root), _filled(own)
    if ("regex" in outer or "regex" in inner) and outer and inner:
        return True
    if "exact" in outer:
        return inner.get("exact") != outer["exact"]
    if "prefix" in outer and inner:
        return not (inner.get("prefix") or inner.get("exact", "")).startswith(outer["prefix"])
    return True


def _filled(match: Fields) -> dict[str, str]:
    return {kind: match[kind] for kind in ("regex", "exact", "prefix") if match.get(kind)}
