"""What became different in the world since the last push, and whom it can concern."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from meshctl.sandbox.xds.hosts import resolve, subset_of

_IN_ROUTES = ("consistentHash",)


@dataclass(slots=True)
class Change:
    """`clusters`: whose Kubernetes objects changed; `rules`: DestinationRules, old and new; `whole`: all else."""

    clusters: set[str] = field(default_factory=set)
    rules: list[dict[str, Any]] = field(default_factory=list)
    whole: bool = False

    def __bool__(self) -> bool:
        return bool(self.clusters or self.rules or self.whole)

    @property
    def only_rules(self) -> bool:
        """Whether DestinationRules alone changed."""
        return not (self.clusters or self.whole)

    @property
    def in_routes(self) -> bool:
        """Whether a rule says something that routes or listeners of all proxies carry."""
        return any(word in json.dumps(rule.get("spec") or {}) for rule in self.rules for word in _IN_ROUTES)

    def hosts(self, known: Iterable[str]) -> frozenset[str]:
        """Those of the known hosts that a changed rule covers."""
        patterns = {
            resolve((rule.get("spec") or {}).get("host") or "", rule["metadata"].get("namespace") or "default")
            for rule in self.rules
        }
        return frozenset(host for host in known if any(subset_of(host, pattern) for pattern in patterns))
