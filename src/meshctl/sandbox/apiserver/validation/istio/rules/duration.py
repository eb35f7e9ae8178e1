"""Rules of durations."""

from __future__ import annotations

from meshctl.sandbox.apiserver.validation.istio.problem import Problems, error

_MILLISECOND = 10**6


def duration(nanoseconds: int | None) -> Problems:
    """At least a millisecond and whole ones; None is fine."""
    if nanoseconds is None:
        return
    if nanoseconds < _MILLISECOND:
        yield error("duration must be greater than 1ms")
    elif nanoseconds % _MILLISECOND:
        yield error("only durations to ms precision are supported")
