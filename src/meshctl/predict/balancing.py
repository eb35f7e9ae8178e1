"""Envoy's load balancing as arithmetic: from an endpoint table to the share of requests that each endpoint gets.

Facts: Envoy 1.40 `upstream/load_balancing/{priority,locality_weight,panic_threshold,overprovisioning}` and runs of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction

OVERPROVISIONING = 140
DEFAULT_MAX_EJECTION_PERCENT = 10

Shares = dict[str, Fraction]


@dataclass(frozen=True, slots=True)
class LbEndpoint:
    """One host of a cluster: `address:port`, its weight, and whether EDS says HEALTHY."""

    address: str
    weight: int = 1
    healthy: bool = True


@dataclass(frozen=True, slots=True)
class LocalityEndpoints:
    """One group of an endpoint table; `weight` None: unset."""

    locality: str
    endpoints: tuple[LbEndpoint, ...]
    weight: int | None = None
    priority: int = 0


Table = Sequence[LocalityEndpoints]


@dataclass(frozen=True, slots=True)
class Policy:
    """The fields of a Cluster that the arithmetic needs; percentages as in Envoy's API.

    `panic_percent` is healthy_panic_threshold (istiod sends 0: never panic, send nothing instead).
    """

    locality_weighted: bool = False
    panic_percent: int = 0
    overprovisioning: int = OVERPROVISIONING


def shares(table: Table, policy: Policy, ejected: Collection[str] = ()) -> Shares:
    """The share of requests by address; empty if no host can take any (503 UH)."""
    priorities = _priorities(unique(table))
    health = [_health(groups, policy, ejected) for groups in priorities]
    # Panic is only looked at while all priorities together can't take the whole load.
    may_panic = policy.panic_percent > 0 and sum(health) < 100
    loads = priority_loads(health) if any(health) or not may_panic else _panic_loads(priorities)
    result: Shares = {}
    for groups, load in zip(priorities, loads, strict=True):
        if load:
            panic = may_panic and _is_below(groups, policy, ejected)
            for address, share in _within(groups, policy, ejected, panic).items():
                result[address] = result.get(address, Fraction(0)) + share * load / 100
    return {address: share for address, share in result.items() if share}


def unique(table: Table) -> list[LocalityEndpoints]:
    """The table as Envoy keeps it: of several hosts with one address only the first survives."""
    seen: set[str] = set()
    kept = []
    for group in table:
        endpoints = []
        for endpoint in group.endpoints:
            if endpoint.address not in seen:
                seen.add(endpoint.address)
                endpoints.append(endpoint)
        kept.append(LocalityEndpoints(group.locality, tuple(endpoints), group.weight, group.priority))
    return kept


def may_eject(hosts: int, ejected: int, max_percent: int = DEFAULT_MAX_EJECTION_PERCENT) -> bool:
    """Whether outlier detection may eject one more of `hosts` (Envoy from 1.28: the limit is never exceeded)."""
    return hosts > 0 and (ejected + 1) * 100 <= max_percent * hosts


def priority_loads(health: Sequence[int]) -> list[int]:
    """Percent of requests by priority from each priority's health in percent; whole numbers as Envoy computes them.

    Each priority takes what its health allows, the next one the rest; below 100 in all, health is scaled up.
    All zeros if nothing is healthy.
    """
    total = min(sum(health), 100)
    if total == 0:
        return [0] * len(health)
    loads = []
    left = 100
    for value in health:
        load = min(left, value * 100 // total)
        loads.append(load)
        left -= load
    # What integer division lost goes to the first priority with any health.
    first = next(i for i, value in enumerate(health) if value)
    loads[first] += left
    return loads


def _priorities(table: Sequence[LocalityEndpoints]) -> list[list[LocalityEndpoints]]:
    last = max((group.priority for group in table), default=-1)
    return [[group for group in table if group.priority == priority] for priority in range(last + 1)]


def _available(group: LocalityEndpoints, ejected: Collection[str]) -> list[LbEndpoint]:
    return [endpoint for endpoint in group.endpoints if endpoint.healthy and endpoint.address not in ejected]


def _health(groups: Sequence[LocalityEndpoints], policy: Policy, ejected: Collection[str]) -> int:
    total = sum(len(group.endpoints) for group in groups)
    healthy = sum(len(_available(group, ejected)) for group in groups)
    return min(100, policy.overprovisioning * healthy // total) if total else 0


def _is_below(groups: Sequence[LocalityEndpoints], policy: Policy, ejected: Collection[str]) -> bool:
    total = sum(len(group.endpoints) for group in groups)
    healthy = sum(len(_available(group, ejected)) for group in groups)
    return healthy * 100 < policy.panic_percent * total


def _panic_loads(priorities: Sequence[Sequence[LocalityEndpoints]]) -> list[int]:
    """Nothing is healthy anywhere: load by number of hosts."""
    hosts = [sum(len(group.endpoints) for group in groups) for groups in priorities]
    loads = [100 * count // sum(hosts) for count in hosts] if any(hosts) else [0] * len(hosts)
    if any(loads):
        loads[next(i for i, load in enumerate(loads) if load)] += 100 - sum(loads)
    return loads


def _within(groups: Sequence[LocalityEndpoints], policy: Policy, ejected: Collection[str], panic: bool) -> Shares:
    """Shares inside one priority, summing to 1."""
    hosts = [list(group.endpoints) if panic else _available(group, ejected) for group in groups]
    # In panic localities are left alone too: every host counts the same.
    weights = [
        Fraction(0) if panic else _locality_weight(group, len(alive), policy)
        for group, alive in zip(groups, hosts, strict=True)
    ]
    if not policy.locality_weighted or not any(weights):
        return _weighted([host for alive in hosts for host in alive], Fraction(1))
    whole = sum(weights)
    result: Shares = {}
    for alive, weight in zip(hosts, weights, strict=True):
        result |= _weighted(alive, weight / whole)
    return result


def _locality_weight(group: LocalityEndpoints, alive: int, policy: Policy) -> Fraction:
    if not group.weight or not alive:
        return Fraction(0)
    ratio = Fraction(policy.overprovisioning * alive, 100 * len(group.endpoints))
    return group.weight * min(Fraction(1), ratio)


def _weighted(hosts: Sequence[LbEndpoint], share: Fraction) -> Shares:
    whole = sum(host.weight for host in hosts)
    return {host.address: share * host.weight / whole for host in hosts}
