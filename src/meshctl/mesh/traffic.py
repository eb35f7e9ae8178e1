"""What is sent through a mesh, and what is known afterwards of who answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from meshctl.mesh.pod import Pod

MOST_REQUESTS, MOST_CONCURRENT = 100_000, 64


@dataclass(frozen=True, slots=True)
class Call:
    """A bounded load of GET requests; `timeout` in seconds, `rate` in requests per second (0: as fast as it goes).

    Envoy's LEAST_REQUEST, Istio's default, favours the quicker endpoints the more requests are under way at once.
    """

    path: str = "/productpage"
    host: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    requests: int = 100
    concurrency: int = 4
    timeout: float = 15.0
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One request as its client saw it, and what the mesh wrote about it.

    `at`: seconds since the load began; `code` 0 with `error` (timeout, reset, refused, closed) if there was no answer.
    `flags`: Envoy's response flags at the first proxy, "-" for none, "" unknown; `upstream`: the address that it chose
    last; `gateway`: the cluster whose east-west gateway that is; `pod`: who answered. `headers` have lower-case names.
    """

    number: int
    at: float
    seconds: float
    code: int
    error: str = ""
    flags: str = ""
    upstream: str = ""
    gateway: str = ""
    pod: Pod | None = None
    headers: Mapping[str, str] | None = None

    @property
    def outcome(self) -> str:
        """The status code, or what happened instead of an answer."""
        return str(self.code) if self.code else self.error


@dataclass(frozen=True, slots=True)
class Share:
    """What arrived at one pod: how many requests, and the status codes that it answered with."""

    pod: Pod
    requests: int
    codes: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Hop:
    """The calls of one service. `failures`: those that its callers' proxies ended themselves, by response flags."""

    service: str
    calls: int
    shares: tuple[Share, ...]
    failures: Mapping[str, int]

    @property
    def requests(self) -> int:
        """How many requests arrived."""
        return sum(share.requests for share in self.shares)


@dataclass(frozen=True, slots=True)
class Shares:
    """A whole measurement; the first hop is the service that the client called.

    `unseen`: how many answers no log tells of. `notes`: what could not be read, and why. `begun`: on the monotonic
    clock, when the first request was sent.
    """

    call: Call
    target: str
    seconds: float
    answers: tuple[Answer, ...]
    hops: tuple[Hop, ...]
    unseen: int = 0
    notes: tuple[str, ...] = ()
    begun: float = 0.0

    @property
    def outcomes(self) -> Counter[str]:
        """How often each status code or failure was seen."""
        return Counter(answer.outcome for answer in self.answers)

    @property
    def flags(self) -> Counter[str]:
        """How often the first proxy noted which response flags; "-" is not counted."""
        return Counter(answer.flags for answer in self.answers if answer.flags not in ("", "-"))

    @property
    def clusters(self) -> dict[str, int]:
        """Requests of the first hop by the cluster that answered."""
        return _counted(answer.pod.cluster for answer in self.answers if answer.pod)

    @property
    def pods(self) -> dict[str, int]:
        """Requests of the first hop by the pod that answered, as `cluster/namespace/pod`."""
        return _counted(answer.pod.full_name for answer in self.answers if answer.pod)

    @property
    def upstreams(self) -> dict[str, int]:
        """Requests by the address that the first proxy chose."""
        return _counted(answer.upstream for answer in self.answers if answer.upstream)


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
