"""Whether counts speak for an expected share: a sequential probability ratio test (Wald, 1945).

Each share is held against those MARGIN away. It is right once it is 1/MISSED times likelier than either, wrong once
one of them is 1/FALSE_ALARM times likelier than it: however often one looks, a right share is called wrong at most
once in 1/FALSE_ALARM times, and one that is off by MARGIN passes at most once in 1/MISSED times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import log

MARGIN = 0.05
FALSE_ALARM, MISSED = 1e-7, 1e-3
# A share of nothing or everything bears a few strays.
STRAY = 0.005


def settled(expected: Mapping[str, float], seen: Counter[str]) -> bool:
    """Whether enough was seen to judge every share."""
    return bool(wrong(expected, seen)) or all(
        ratio <= log(MISSED) for address in expected.keys() | seen.keys() for ratio in _ratios(expected, seen, address)
    )


def wrong(expected: Mapping[str, float], seen: Counter[str]) -> dict[str, tuple[float, float]]:
    """The shares that can't be right: expected and seen."""
    whole = max(1, seen.total())
    return {
        address: (expected.get(address, 0.0), seen[address] / whole)
        for address in expected.keys() | seen.keys()
        if any(ratio >= log(1 / FALSE_ALARM) for ratio in _ratios(expected, seen, address))
    }


def _ratios(expected: Mapping[str, float], seen: Counter[str], address: str) -> list[float]:
    share = expected.get(address, 0.0)
    others = [other for other in (share - MARGIN, share + MARGIN) if 0 <= other <= 1]
    return [_ratio(seen[address], seen.total(), share, other) for other in others]


def _ratio(count: int, total: int, share: float, other: float) -> float:
    """How much likelier the counts are under the other share, as a logarithm."""
    p, q = _possible(share), _possible(other)
    return count * log(q / p) + (total - count) * log((1 - q) / (1 - p))


def _possible(share: float) -> float:
    return min(max(share, STRAY), 1 - STRAY)
