"""What an expectation found: expected against observed, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass

from meshctl.labs.evidence import Verdict


@dataclass(frozen=True, slots=True)
class Bar:
    """One share: expected, and counted in how many requests."""

    name: str
    expected: float
    count: int
    total: int
    verdict: Verdict

    @property
    def observed(self) -> float:
        """The observed share."""
        return self.count / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one expectation; `seen` and `expected` are sentences, `bars` the shares it rests on."""

    name: str
    verdict: Verdict
    expected: str = ""
    seen: str = ""
    bars: tuple[Bar, ...] = ()
