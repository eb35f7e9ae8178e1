"""What became different in the world since the last push, and whom it can concern."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from meshctl.sandbox.xds.configs import Config
from meshctl.sandbox.xds.hosts import resolve, subset_of

# What of a DestinationRule stands in listeners or routes; the rest is in clusters and endpoints alone.
IN_LISTENERS = ("useSourceIp", "idleTimeout", "maxConnectionDuration", "tunnel")
IN_ROUTES = ("consistentHash",)
_AUDIENCE = ("host", "exportTo", "workloadSelector")
Object = Mapping[str, Any]


@dataclass(slots=True)
class Change:
    """`clusters`: whose Kubernetes objects changed; `rules`: DestinationRules, old and new; `whole`: all else.

    `reshaped`: rules came, went, or changed their subsets' names or their audience.
    """

    clusters: set[str] = field(default_factory=set)
    rules: list[Object] = field(default_factory=list)
    reshaped: bool = False
    whole: bool = False

    def __bool__(self) -> bool:
        return bool(self.clusters or self.rules or self.whole)

    def note_rule(self, before: Object | None, after: Object | None) -> None:
        """A DestinationRule changed."""
        self.rules += [item for item in (before, after) if item]
        self.reshaped = self.reshaped or _shape(before) != _shape(after)

    def hosts(self, known: Iterable[str]) -> frozenset[str]:
        """Those of the known hosts that a changed rule covers."""
        patterns = {
            _host(rule.get("spec") or {}, rule["metadata"].get("namespace") or "default") for rule in self.rules
        }
        return frozenset(host for host in known if any(subset_of(host, pattern) for pattern in patterns))

    def reaches(self, words: Iterable[str], hosts: frozenset[str], rules: Iterable[Config]) -> bool:
        """Whether a rule for these hosts, changed or perhaps only uncovered, says any of the words."""
        if any(_says(rule.get("spec") or {}, words) for rule in self.rules):
            return True
        others = (rule for rule in rules if _says(rule.spec, words))
        patterns = {_host(rule.spec, rule.namespace) for rule in others}
        return any(subset_of(host, pattern) for host in hosts for pattern in patterns)


def _shape(rule: Object | None) -> object:
    if rule is None:
        return None
    spec = rule.get("spec") or {}
    return [subset.get("name") for subset in spec.get("subsets") or ()], [spec.get(name) for name in _AUDIENCE]


def _host(spec: Object, namespace: str) -> str:
    return resolve(spec.get("host") or "", namespace)


def _says(spec: Object, words: Iterable[str]) -> bool:
    text = json.dumps(spec)
    return any(word in text for word in words)
