"""How many replicas each ReplicaSet of a Deployment has next (Kubernetes 1.31 pkg/controller/deployment)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from meshctl.sandbox.controllers.workloads import revisions

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Limits:
    """A Deployment's size, in pods: wanted, how many more there may be, how many fewer may be available."""

    desired: int
    surge: int
    unavailable: int

    @property
    def most(self) -> int:
        """How many pods there may be at once."""
        return self.desired + self.surge

    @property
    def least(self) -> int:
        """How many are to be available at any time."""
        return self.desired - self.unavailable


def limits(deployment: Mapping[str, Any]) -> Limits:
    """What a Deployment's strategy allows."""
    spec = deployment["spec"]
    desired, strategy = int(spec.get("replicas", 1)), spec.get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return Limits(desired, 0, desired)
    stated = strategy.get("rollingUpdate") or {}
    surge = _share(stated.get("maxSurge", "25%"), desired, math.ceil)
    unavailable = _share(stated.get("maxUnavailable", "25%"), desired, math.floor)
    if not surge and not unavailable:
        unavailable = 1
    return Limits(desired, surge, min(unavailable, desired))


def replicas(found: Mapping[str, Any]) -> int:
    """How many replicas a ReplicaSet is to have."""
    return int(found["spec"].get("replicas", 1))


def available(found: Mapping[str, Any]) -> int:
    """How many of a ReplicaSet's pods are available."""
    return int((found.get("status") or {}).get("availableReplicas") or 0)


def grown(new: Mapping[str, Any] | None, sets: Sequence[Mapping[str, Any]], allowed: Limits) -> int:
    """The size of the current ReplicaSet in a rolling update; `sets` are all, it among them, if it exists."""
    own = replicas(new) if new else 0
    if own >= allowed.desired:
        return allowed.desired
    room = allowed.most - sum(map(replicas, sets))
    return own if room <= 0 else own + min(room, allowed.desired - own)


def shrunk(new: Mapping[str, Any], old: Sequence[Mapping[str, Any]], allowed: Limits) -> dict[str, int]:
    """The sizes of old ReplicaSets in a rolling update, by name, as far as they change."""
    total = replicas(new) + sum(map(replicas, old))
    room = total - allowed.least - (replicas(new) - available(new))
    if room <= 0 or not sum(map(replicas, old)):
        return {}
    sizes = _without_unhealthy(old, room)
    return sizes | _without_spare(new, old, sizes, allowed)


def _without_unhealthy(old: Sequence[Mapping[str, Any]], room: int) -> dict[str, int]:
    """Replicas that aren't available are no loss."""
    sizes: dict[str, int] = {}
    for one in sorted(old, key=revisions.born):
        ill = replicas(one) - available(one)
        if (gone := min(room, ill)) > 0:
            sizes[one["metadata"]["name"]] = replicas(one) - gone
            room -= gone
    return sizes


def _without_spare(
    new: Mapping[str, Any], old: Sequence[Mapping[str, Any]], sizes: Mapping[str, int], allowed: Limits
) -> dict[str, int]:
    spare = available(new) + sum(map(available, old)) - allowed.least
    smaller: dict[str, int] = {}
    for one in sorted(old, key=revisions.born):
        name = one["metadata"]["name"]
        have = sizes.get(name, replicas(one))
        if (gone := min(spare, have)) > 0:
            smaller[name] = have - gone
            spare -= gone
    return smaller


def scaled(sets: Sequence[Mapping[str, Any]], new: Mapping[str, Any] | None, allowed: Limits) -> dict[str, int]:
    """Sizes by name after the Deployment itself was scaled: in proportion while a rollout is under way."""
    live = [one for one in sets if replicas(one) > 0]
    if len(live) <= 1:
        alone = live[0] if live else new or max(sets, key=revisions.revision, default=None)
        return {alone["metadata"]["name"]: allowed.desired} if alone else {}
    total = sum(map(replicas, live))
    most = allowed.most if allowed.desired else 0
    # The larger first, then the newer if it grows or the older if it shrinks: it takes what rounding leaves.
    ordered = sorted(live, key=revisions.born, reverse=most > total)
    ordered.sort(key=replicas, reverse=True)
    return _in_proportion(ordered, most - total, most)


def _in_proportion(ordered: Sequence[Mapping[str, Any]], change: int, most: int) -> dict[str, int]:
    sizes, left = {}, change
    for one in ordered:
        share = 0
        if change:
            before = int((one["metadata"].get("annotations") or {}).get(revisions.MAXIMUM) or most)
            share = round(replicas(one) * most / max(before, 1)) - replicas(one)
            share = min(share, left) if change > 0 else max(share, left)
        sizes[one["metadata"]["name"]] = replicas(one) + share
        left -= share
    if ordered:
        first = ordered[0]["metadata"]["name"]
        sizes[first] = max(sizes[first] + left, 0)
    return sizes


def _share(stated: object, desired: int, rounded: Any) -> int:
    if isinstance(stated, str) and stated.endswith("%"):
        return int(rounded(int(stated[:-1]) * desired / 100))
    return int(str(stated))
