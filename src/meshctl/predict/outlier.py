"""Outlier detection: which hosts Envoy ends up ejecting.

Facts: Envoy 1.40 `upstream/outlier`, Istio 1.31 core/cluster_traffic_policy.go, and runs of Envoy 1.40.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import inf
from typing import Any

from meshctl.predict.balancing import LocalityEndpoints, Policy, may_eject, shares, unique

# Envoy's, where Istio says nothing.
CONSECUTIVE = 5
GATEWAY_ERRORS = (502, 503, 504)
# A host that fails now and then is ejected once enough failures come in a row: within this many requests to it.
PATIENCE = 1000


@dataclass(frozen=True, slots=True)
class Failures:
    """Of the requests to a host: the share that can't connect, and by status the share answered with an error."""

    refused: Fraction = Fraction(0)
    errors: Mapping[int, Fraction] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Detection:
    """How many failures in a row eject a host, 0 for none; `split`: failures to connect are counted apart."""

    errors: int = CONSECUTIVE
    gateway_errors: int = 0
    local: int = CONSECUTIVE
    split: bool = False

    @property
    def refusals(self) -> int:
        """How many failures to connect in a row eject a host; 0 if none do."""
        limits = [self.local] if self.split else [self.errors, self.gateway_errors]
        return min(filter(None, limits), default=0)

    def notices(self, failures: Failures) -> bool:
        """Whether a host that fails so is ejected sooner or later."""
        return self.wait(failures) <= PATIENCE

    def wait(self, failures: Failures) -> float:
        """The requests to a host, on average, until so many failures come in a row; infinite if they can't."""
        local = Fraction(0) if self.split else failures.refused
        gateway = sum((share for status, share in failures.errors.items() if status in GATEWAY_ERRORS), local)
        every = sum(failures.errors.values(), local)
        waits = [_wait(every, self.errors), _wait(gateway, self.gateway_errors)]
        return min([*waits, _wait(failures.refused, self.local)] if self.split else waits)


def detection(outlier: Mapping[str, Any]) -> Detection:
    """Istio's `outlierDetection`; consecutiveErrors is ignored there too."""
    errors = outlier.get("consecutive5xxErrors")
    return Detection(
        CONSECUTIVE if errors is None else int(errors),
        int(outlier.get("consecutiveGatewayErrors") or 0),
        int(outlier.get("consecutiveLocalOriginFailures") or CONSECUTIVE),
        bool(outlier.get("splitExternalLocalOriginErrors")),
    )


def ejections(
    table: Sequence[LocalityEndpoints],
    policy: Policy,
    max_percent: int,
    is_bad: Callable[[str], bool],
    *,
    always_one: bool = False,
) -> tuple[str, ...]:
    """The hosts that are ejected in the end, in the order in which requests meet them.

    Where the limit allows only some of several bad hosts, chance decides which; here the first of the table.
    """
    hosts = sum(len(group.endpoints) for group in unique(table))
    ejected: list[str] = []
    while met := [address for address in shares(table, policy, ejected) if address not in ejected and is_bad(address)]:
        allowed = list(_allowed(met, hosts, len(ejected), max_percent, always_one))
        if not allowed:
            break
        ejected += allowed
    return tuple(ejected)


def onset(
    table: Sequence[LocalityEndpoints], policy: Policy, ejected: Sequence[str], silent: Collection[str], refusals: int
) -> int:
    """The connections in a row that fail for certain before silent hosts are ejected, in that order.

    Other hosts come between sooner or later, then no more than the first failure is certain.
    """
    certain = 0
    for number in range(len(ejected)):
        if not shares(table, policy, ejected[:number]).keys() <= set(silent):
            break
        certain += refusals
    return max(certain, 1) if silent and ejected else 0


def _allowed(met: Sequence[str], hosts: int, ejected: int, max_percent: int, always_one: bool) -> Iterator[str]:
    for number, address in enumerate(met, ejected):
        if may_eject(hosts, number, max_percent) or (always_one and number == 0):
            yield address


def _wait(share: Fraction, in_a_row: int) -> float:
    """The mean number of trials until a run of failures, each of probability `share`."""
    if not in_a_row or not share:
        return inf
    if share == 1:
        return in_a_row
    chance = float(share) ** in_a_row
    return (1 - chance) / ((1 - float(share)) * chance) if chance > 0 else inf
