"""Requests followed from proxy to proxy through their access logs, by user agent and x-request-id."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from meshctl.kube import logs
from meshctl.kube.client import ApiError
from meshctl.mesh import access_log, clusters
from meshctl.mesh.access_log import Entry
from meshctl.mesh.clusters import Mesh, Survey
from meshctl.mesh.pod import PROXY, Pod
from meshctl.mesh.traffic import Answer

# Istio's Envoys write their logs every second (--file-flush-interval-msec 1000).
PATIENCE, POLL = 2.5, 0.3
# A busy node may take its time before it looks at its clock.
MARGIN = 15.0
GONE = 404


@dataclass(frozen=True, slots=True)
class Step:
    """What one proxy wrote about one request."""

    number: int
    pod: Pod
    entry: Entry

    @property
    def service(self) -> str:
        """The service that was called, by its short name; empty if none is known."""
        host = self.entry.host.partition(".")[0]
        return host or (self.pod.service if self.entry.inbound else "")


@dataclass(frozen=True, slots=True)
class Trail:
    """`first`: what the first proxy wrote about each request; `steps`: what any wrote; `notes`: what is amiss."""

    first: Mapping[int, Step]
    steps: tuple[Step, ...]
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Logs:
    """The logs of a mesh, and how the requests of one load are known in them."""

    mesh: Mesh
    agent: str
    begun: float
    requests: dict[str, int] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def read(self, pods: Iterable[Pod]) -> list[Step]:
        """All that these proxies wrote about the load so far."""
        found = clusters.together(self._read, pods)
        return [step for steps in found for step in steps]

    def _read(self, pod: Pod) -> list[Step]:
        seconds = math.ceil(time.monotonic() - self.begun + MARGIN)
        try:
            text = logs.read(self.mesh.clients[pod.cluster], pod.path, PROXY, seconds)
        except ApiError as error:
            if error.code == GONE:
                self.gone.add(pod.full_name)
            else:
                self.faults[pod.full_name] = str(error)
            return []
        return [step for entry in access_log.entries(text.decode(errors="replace")) if (step := self._step(pod, entry))]

    def _step(self, pod: Pod, entry: Entry) -> Step | None:
        agent, _, number = entry.user_agent.rpartition("/")
        if agent == self.agent and number.isdigit():
            # An application may pass on the one and not the other.
            self.requests.setdefault(entry.request_id, int(number))
            return Step(int(number), pod, entry)
        known = self.requests.get(entry.request_id)
        return None if known is None else Step(known, pod, entry)


def follow(
    mesh: Mesh, survey: Survey, firsts: Sequence[Pod], agent: str, answers: Sequence[Answer], begun: float
) -> Trail:
    """What the proxies wrote about the requests whose user agents are `AGENT/N`.

    `firsts`: the proxies that they meet first; `begun`: when the load began, on the monotonic clock.
    """
    logs_ = _Logs(mesh, agent, begun)
    answered = {one.number for one in answers if one.code}
    steps = _patiently(lambda: logs_.read(firsts), lambda found: answered <= set(_first(found)))
    if steps:
        reached = {number for number, step in _first(steps).items() if step.entry.answered}
        pods = _concerned(survey, steps, firsts)
        steps = _patiently(lambda: logs_.read(pods), lambda found: reached <= _arrived(found))
    first = {number: step for number, step in _first(steps).items() if step.pod in firsts}
    return Trail(first, tuple(steps), tuple(_notes(logs_, firsts, first, answered)))


def _patiently(read: Callable[[], list[Step]], enough: Callable[[list[Step]], bool]) -> list[Step]:
    """What is read once it is enough, or when patience ends."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = read()
        if enough(found) or time.monotonic() > deadline:
            return found
        time.sleep(POLL)


def _first(steps: Iterable[Step]) -> dict[int, Step]:
    """The first proxy's word about each request: an application's onward calls come later."""
    found: dict[int, Step] = {}
    for step in sorted(steps, key=lambda one: one.entry.started):
        if not step.entry.inbound:
            found.setdefault(step.number, step)
    return found


def _arrived(steps: Iterable[Step]) -> set[int]:
    return {step.number for step in steps if step.entry.inbound}


def _concerned(survey: Survey, steps: Sequence[Step], firsts: Sequence[Pod]) -> list[Pod]:
    """The first proxies, and those of the namespaces of the hosts that were called: an application lives in one."""
    hosts = {step.entry.host for step in steps}
    namespaces = {parts[1] for host in hosts if len(parts := host.split(".")) > 1}
    within = [one for one in survey.proxies if one.namespace in namespaces and one.running]
    return list(dict.fromkeys([*firsts, *within]))


def _notes(logs_: _Logs, firsts: Sequence[Pod], first: Mapping[int, Step], answered: set[int]) -> Iterator[str]:
    if logs_.gone:
        yield f"these pods ended meanwhile, and their logs with them: {', '.join(sorted(logs_.gone))}"
    yield from (f"{name}: its log can't be read: {reason}" for name, reason in logs_.faults.items())
    names = ", ".join(one.full_name for one in firsts)
    if not firsts:
        yield "no pod of the primary's ingress gateway was found: nobody can say who answered"
    elif answered and not first:
        yield f"the access log of {names} tells of none of the requests; does the mesh set accessLogFile?"
