"""Outlier detection: which hosts Envoy ends up ejecting.

Facts: Envoy 1.40 `upstream/outlier`, Istio 1.31 core/cluster_traffic_policy.go, and runs of Envoy 1.40.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
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

    def notices(self, failures: Failures) -> bool:
        """Whether a host that fails so is ejected sooner or later."""
        local = Fraction(0) if self.split else failures.refused
        gateway = sum((share for status, share in failures.errors.items() if status in GATEWAY_ERRORS), local)
        every = sum(failures.errors.values(), local)
        return (
            _happens(every, self.errors)
            or _happens(gateway, self.gateway_errors)
            or (self.split and _happens(failures.refused, self.local))
        )


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


def _allowed(met: Sequence[str], hosts: int, ejected: int, max_percent: int, always_one: bool) -> Iterator[str]:
    for number, address in enumerate(met, ejected):
        if may_eject(hosts, number, max_percent) or (always_one and number == 0):
            yield address


def _happens(share: Fraction, in_a_row: int) -> bool:
    """Whether that many failures in a row are to be expected within PATIENCE requests."""
    if not in_a_row or not share:
        return False
    if share == 1:
        return in_a_row <= PATIENCE
    chance = float(share) ** in_a_row
    return chance > 0 and (1 - chance) / ((1 - float(share)) * chance) <= PATIENCE
