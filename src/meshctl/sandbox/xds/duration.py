"""Durations as Kubernetes objects write them (Go's way) and as protobuf JSON does."""

from __future__ import annotations

import re
from decimal import Decimal

_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
ZERO = "0s"


def nanoseconds(text: str) -> int:
    """The length of `1h30m`, `0.5s`, `300ms`."""
    total = sum(Decimal(number) * _NANOSECONDS[unit] for number, unit in _PART.findall(text))
    return int(-total if text.startswith("-") else total)


def proto(text: str | None) -> str | None:
    """The same in seconds with none, 3, 6 or 9 decimals: `5400s`, `0.500s`; None stays None."""
    if text is None:
        return None
    whole, rest = divmod(abs(nanoseconds(text)), 10**9)
    sign = "-" if text.startswith("-") else ""
    fraction = f"{rest:09d}"
    while fraction.endswith("000"):
        fraction = fraction[:-3]
    return f"{sign}{whole}.{fraction}s" if fraction else f"{sign}{whole}s"
