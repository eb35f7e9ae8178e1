"""Requests that were sent in an act, gathered from one or more measurements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from meshctl.mesh.traffic import Answer, Hop, Shares

SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Sample:
    """All answers, and what arrived at each service."""

    answers: tuple[Answer, ...] = ()
    hops: tuple[Hop, ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def __add__(self, other: Shares) -> Sample:
        notes = tuple(dict.fromkeys((*self.notes, *other.notes)))
        return Sample((*self.answers, *other.answers), (*self.hops, *other.hops), self.seconds + other.seconds, notes)

    @property
    def requests(self) -> int:
        """How many were sent."""
        return len(self.answers)

    @property
    def failed(self) -> int:
        """How many ended without an answer or with a server's error."""
        return sum(1 for answer in self.answers if is_failed(answer))

    @property
    def pods(self) -> Counter[str]:
        """Good answers by the pod that gave them, as far as logs tell."""
        return Counter(answer.pod.full_name for answer in self.answers if answer.pod and not is_failed(answer))

    @property
    def upstreams(self) -> Counter[str]:
        """Requests by the address that the first proxy chose, "" for none, as far as its log tells."""
        return Counter(answer.upstream for answer in self.answers if answer.flags)

    @property
    def unseen(self) -> int:
        """Good answers of which no log tells who gave them."""
        return sum(1 for answer in self.answers if not is_failed(answer) and not answer.pod)

    @property
    def outcomes(self) -> Counter[str]:
        """Status codes, or what happened instead of an answer."""
        return Counter(answer.outcome for answer in self.answers)

    @property
    def flags(self) -> Counter[str]:
        """Envoy's response flags at the first proxy."""
        return Counter(answer.flags for answer in self.answers if answer.flags not in ("", "-"))

    @property
    def slowest(self) -> float:
        """Seconds of the slowest request."""
        return max((answer.seconds for answer in self.answers), default=0.0)

    def arrivals(self, service: str) -> Counter[str]:
        """Requests to a service, at whatever depth, by the pod at which they arrived."""
        found: Counter[str] = Counter()
        for hop in self._hops(service):
            for share in hop.shares:
                found[share.pod.full_name] += share.requests
        return found

    def failures(self, service: str) -> Counter[str]:
        """Calls of a service that its callers' proxies ended themselves, by response flags."""
        found: Counter[str] = Counter()
        for hop in self._hops(service):
            found.update(hop.failures)
        return found

    def _hops(self, service: str) -> Iterable[Hop]:
        return (hop for hop in self.hops if hop.service == service)


def is_failed(answer: Answer) -> bool:
    """Whether a request ended without an answer or with a server's error."""
    return not answer.code or answer.code >= SERVER_ERROR
