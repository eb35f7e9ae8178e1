"""Envoy's retries on other hosts: how often each host is tried for one request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction

from meshctl.predict.balancing import Shares

# Istio's default policy (1.31, networking/core/route/retry): two retries, `previous_hosts` predicate.
RETRIES = 2


def attempts(chosen: Shares, lost: Mapping[str, Fraction], retries: int = RETRIES) -> Shares:
    """Attempts for each request by address: the first by `chosen`, further ones for the `lost` share of an attempt.

    A retry is balanced anew, over all priorities, until a host comes up that wasn't tried; without any, the same
    hosts are tried again. Envoy takes localities and hosts of different weights in turn (`EdfScheduler`), so
    that a retry takes the turn of the next request; that is left aside here, and moves shares by some points where
    hosts that stay in the table fail.
    """
    everywhere = Fraction(0)
    elsewhere: dict[str, Fraction] = defaultdict(Fraction)
    again: dict[str, Fraction] = defaultdict(Fraction)
    losing = [address for address in chosen if lost.get(address)]
    waiting: list[tuple[tuple[str, ...], Fraction, int]] = [((), Fraction(1), retries)]
    while waiting:
        tried, mass, left = waiting.pop()
        fresh = 1 - sum((chosen[address] for address in tried), Fraction(0))
        if fresh:
            mass /= fresh
            everywhere += mass
        for address in tried:
            if fresh:
                elsewhere[address] += mass
            else:
                again[address] += mass * chosen[address]
        if left:
            next_ones = [address for address in losing if (address in tried) != bool(fresh)]
            waiting += [(_with(tried, a), mass * chosen[a] * lost[a], left - 1) for a in next_ones]
    return {address: share * (everywhere - elsewhere[address]) + again[address] for address, share in chosen.items()}


def _with(tried: Sequence[str], address: str) -> tuple[str, ...]:
    return tuple(tried) if address in tried else (*tried, address)
