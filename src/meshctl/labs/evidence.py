"""Whether counted requests speak for an expected share: a sequential probability ratio test (Wald, 1945).

The expected share is held against every share MARGIN away from it. It is right once it is 1/MISSED times likelier than
either of them, wrong once one of them is 1/FALSE_ALARM times likelier than it; until then more requests are needed.
However often one looks, a right share is called wrong at most once in 1/FALSE_ALARM times.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from math import ceil, log, sqrt

MARGIN = 0.05
FALSE_ALARM, MISSED = 1e-6, 1e-3
# A share of 0 or 100 percent tolerates a few strays, such as requests under way while an ejection spreads.
STRAY = 0.005
# What chance leaves once in 100,000 times, on both sides.
FINAL_Z = 4.42
# Two-sided 99 %.
INTERVAL_Z, CONFIDENCE = 2.576, 99


class Verdict(StrEnum):
    """What the counts say."""

    passed = "passed"
    failed = "failed"
    open = "open"


def verdict(count: int, total: int, share: float) -> Verdict:
    """What `count` of `total` requests say about an expected share."""
    ratios = [_log_ratio(count, total, share, other) for other in _others(share)]
    if any(ratio >= log(1 / FALSE_ALARM) for ratio in ratios):
        return Verdict.failed
    return Verdict.passed if all(ratio <= log(MISSED) for ratio in ratios) else Verdict.open


def final(count: int, total: int, share: float) -> Verdict:
    """The verdict when no more requests will come: what isn't plainly wrong passes, however few they are."""
    found = verdict(count, total, share)
    if found is not Verdict.open:
        return found
    likely = _possible(share)
    # One request more or less is no share.
    off = abs(count - likely * total) - 1
    return Verdict.failed if not total or off > FINAL_Z * sqrt(likely * (1 - likely) * total) else Verdict.passed


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """Wrong if one is, right if all are."""
    found = set(verdicts)
    if Verdict.failed in found:
        return Verdict.failed
    return Verdict.open if Verdict.open in found else Verdict.passed


def requests_for(shares: Iterable[float]) -> int:
    """How many requests usually settle these shares if they are right, rounded up to hundreds."""
    needed = 0.0
    for share in shares:
        for other in _others(share):
            p, q = _possible(share), _possible(other)
            drift = share * log(p / q) + (1 - share) * log((1 - p) / (1 - q))
            needed = max(needed, log(1 / MISSED) / drift)
    # Where hosts are drawn by chance about half of the tries need more; the engine then sends more.
    return max(200, ceil(needed * 1.1 / 100) * 100)


def interval(count: int, total: int) -> tuple[float, float]:
    """Wilson's interval of the share at CONFIDENCE percent."""
    if not total:
        return 0.0, 1.0
    share, z2 = count / total, INTERVAL_Z**2
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = INTERVAL_Z * sqrt(share * (1 - share) / total + z2 / (4 * total**2)) / (1 + z2 / total)
    return max(0.0, centre - half), min(1.0, centre + half)


def _others(share: float) -> list[float]:
    return [other for other in (share - MARGIN, share + MARGIN) if 0 <= other <= 1]


def _log_ratio(count: int, total: int, share: float, other: float) -> float:
    """How much likelier the counts are under the other share, as a logarithm."""
    p, q = _possible(share), _possible(other)
    return count * log(q / p) + (total - count) * log((1 - q) / (1 - p))


def _possible(share: float) -> float:
    return min(max(share, STRAY), 1 - STRAY)
