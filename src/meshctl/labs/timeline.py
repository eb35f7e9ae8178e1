"""A mesh watched second by second while it breaks and mends: who answered, how slowly, and who was ejected when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from meshctl.labs.cast import cast
from meshctl.labs.engine import Report, prepare
from meshctl.labs.environment import Environment
from meshctl.labs.expectation import FAILS, Endpoints
from meshctl.labs.lab import Act, Cue, Lab, Load, Script
from meshctl.labs.sample import is_failed
from meshctl.labs.stage import Stage
from meshctl.labs.view import caller
from meshctl.mesh.traffic import Answer, Shares
from meshctl.predict.mesh import GATEWAY_PORT
from meshctl.render.bookinfo import PORT

SERVICE = "productpage"
UNKNOWN = "unknown"
# How often the ingress gateway is asked for its ejections.
LOOK = 0.5
# Requests that may wait for a silent host at once.
CONCURRENCY = 60
SLOW_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Second:
    """The requests sent within one second: how many each cluster answered, and the slowest of them in seconds."""

    answers: Mapping[str, int]
    slowest: float


@dataclass(frozen=True, slots=True)
class Span:
    """Something that lasted, in seconds since the beginning."""

    name: str
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Moment:
    """A cue as it was given; `done`: when the mesh had been changed."""

    title: str
    at: float
    done: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole of it; `parties`: the clusters in their order, then failures; `failures`: how many of each kind."""

    lab: str
    parties: tuple[str, ...]
    seconds: tuple[Second, ...]
    ejections: tuple[Span, ...]
    moments: tuple[Moment, ...]
    rate: float
    failures: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> Counter[str]:
        """Requests by who answered."""
        found: Counter[str] = Counter()
        for second in self.seconds:
            found.update(second.answers)
        return found


@dataclass(frozen=True, slots=True)
class Look:
    """Which addresses the ingress gateway had ejected at a moment."""

    at: float
    ejected: frozenset[str]


@dataclass(frozen=True, slots=True)
class Recording:
    """What was noted while the script ran, in seconds since the watch began; `late`: when the first request was sent.

    `owners` says whose an endpoint's address is.
    """

    shares: Shares
    looks: tuple[Look, ...]
    moments: tuple[Moment, ...]
    late: float
    owners: Mapping[str, str]


def watch(lab: Lab, script: Script, env: Environment, report: Report) -> Timeline:
    """Play a lab's script; UsageError or Refused as `engine.run`. Nothing is left behind."""
    act = Act("timeline", (Endpoints(),), script.rules)
    prepare(env, [act], report)
    stage = Stage(env, lab.name, report)
    try:
        stage.enter(act)
        return _watched(lab, script, env, stage, report)
    finally:
        report("removing the lab's traces")
        stage.clear()


def _watched(lab: Lab, script: Script, env: Environment, stage: Stage, report: Report) -> Timeline:
    owners = _owners(env)
    load = Load(script.path, int(script.rate * script.seconds), CONCURRENCY, rate=script.rate)
    with ThreadPoolExecutor(2) as pool:
        measuring = pool.submit(env.measure, load)
        begun = env.now()
        cues = pool.submit(_give_cues, script.cues, env, stage, begun)
        looks = _look_on(env, begun, script.seconds, measuring, report)
        shares, moments = measuring.result(), cues.result()
    late = shares.begun - begun if shares.begun else 0.0
    names = [cluster.name for cluster in env.topology.clusters]
    return assembled(lab.name, names, script, Recording(shares, tuple(looks), tuple(moments), late, owners))


def _owners(env: Environment) -> dict[str, str]:
    owners = {f"{pod.address}:{PORT}": f"{pod.service} of {pod.cluster}" for pod in env.pods()}
    for cluster in env.topology.clusters:
        owners |= {f"{address}:{GATEWAY_PORT}": f"gateway of {cluster.name}" for address in cluster.gateway_addresses}
    return owners


def _give_cues(cues: Sequence[Cue], env: Environment, stage: Stage, begun: float) -> list[Moment]:
    given = []
    for cue in cues:
        env.pause(max(0.0, begun + cue.at - env.now()))
        at = env.now() - begun
        stage.change(cue.outages)
        given.append(Moment(cue.title, at, env.now() - begun))
    return given


def _look_on(env: Environment, begun: float, seconds: float, measuring: Future[Shares], report: Report) -> list[Look]:
    view = caller(SERVICE, cast(env.topology).local.name)
    looks = []
    while env.now() - begun < seconds and not measuring.done():
        at = env.now() - begun
        report(f"second {at:.0f} of {seconds:.0f}")
        found = env.seen(view, SERVICE)
        looks.append(Look(at, frozenset(address for seen in found.values() for address in seen.ejected)))
        env.pause(max(0.0, at + LOOK - (env.now() - begun)))
    return looks


def assembled(lab: str, clusters: Sequence[str], script: Script, found: Recording) -> Timeline:
    """Everything on one clock, which begins with the first request."""
    answers = found.shares.answers
    seen = {_party(answer) for answer in answers}
    looks = [Look(max(0.0, look.at - found.late), look.ejected) for look in found.looks]
    moments = [Moment(m.title, max(0.0, m.at - found.late), max(0.0, m.done - found.late)) for m in found.moments]
    return Timeline(
        lab,
        (*clusters, *(name for name in (UNKNOWN, FAILS) if name in seen)),
        _seconds(answers, int(script.seconds)),
        tuple(_spans(looks, found.owners)),
        tuple(moments),
        script.rate,
        Counter(f"{answer.outcome} {answer.flags}".strip() for answer in answers if is_failed(answer)),
    )


def _seconds(answers: Sequence[Answer], length: int) -> tuple[Second, ...]:
    counts = [Counter[str]() for _ in range(length)]
    slowest = [0.0] * length
    for answer in answers:
        number = min(int(answer.at), length - 1)
        counts[number][_party(answer)] += 1
        slowest[number] = max(slowest[number], answer.seconds)
    return tuple(Second(dict(count), slow) for count, slow in zip(counts, slowest, strict=True))


def _party(answer: Answer) -> str:
    if is_failed(answer):
        return FAILS
    return answer.pod.cluster if answer.pod else UNKNOWN


def _spans(looks: Sequence[Look], owners: Mapping[str, str]) -> list[Span]:
    """Each time that a host was ejected, from the first look that saw it to the first that no longer did."""
    spans, since = [], dict[str, float]()
    for look in looks:
        for address in look.ejected - set(since):
            since[address] = look.at
        for address in set(since) - look.ejected:
            spans.append(Span(_named(address, owners), since.pop(address), look.at))
    spans += [Span(_named(address, owners), begin, looks[-1].at) for address, begin in since.items()]
    return sorted(spans, key=lambda span: (span.begin, span.name))


def _named(address: str, owners: Mapping[str, str]) -> str:
    return owners.get(address, address)


def story(timeline: Timeline, titles: Mapping[str, str]) -> list[str]:
    """What happened, in sentences; a moment's number first where it has one."""
    told = [
        (moment.at, f"({n}) {titles.get(moment.title, moment.title)}") for n, moment in enumerate(timeline.moments, 1)
    ]
    told += [(span.begin, f"{span.name} is ejected, until {span.end:.1f} s") for span in timeline.ejections]
    told += [
        (number, _handover(party, before))
        for number, (party, before) in enumerate(_handovers(timeline))
        if before and party and before != party
    ]
    lines = [f"{at:5.1f} s  {text}" for at, text in sorted(told)]
    total, failed = timeline.total.total(), timeline.total[FAILS]
    slow = [second.slowest for second in timeline.seconds if second.slowest > SLOW_SECONDS]
    waited = f"; in {len(slow)} seconds requests waited, {max(slow):.1f} s at most" if slow else ""
    kinds = ", ".join(f"{count} x {kind}" for kind, count in timeline.failures.items())
    return [*lines, f"{failed} of {total} requests failed{f' ({kinds})' if kinds else ''}{waited}"]


def _handover(party: str, before: str) -> str:
    if party == FAILS:
        return f"most requests fail, which {before} answered before"
    return f"{party} answers most requests" + ("" if before == FAILS else f" instead of {before}")


def _handovers(timeline: Timeline) -> list[tuple[str, str]]:
    """For each second who answered most, and who did in the second before."""
    most = [max(second.answers, key=lambda name: second.answers[name], default="") for second in timeline.seconds]
    return list(zip(most, ["", *most], strict=False))
