"""Running a lab: act after act, each brought about, awaited, measured and judged; nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace

from meshctl.errors import UsageError
from meshctl.labs import journal
from meshctl.labs.cast import cast
from meshctl.labs.environment import Environment
from meshctl.labs.evidence import STRAY, Verdict, overall, requests_for
from meshctl.labs.expectation import Sight
from meshctl.labs.finding import Finding
from meshctl.labs.forecast import Forecast
from meshctl.labs.lab import Act, Lab, Load
from meshctl.labs.sample import Sample
from meshctl.labs.stage import Stage, check_foreign
from meshctl.labs.surprise import surprises
from meshctl.mesh.traffic import Shares

MOST_TRIES = 5
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """`requests` 0: as many as it takes. `keep`: leave the last act's state. `acts`: only these, or all."""

    requests: int = 0
    keep: bool = False
    acts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """An act as it was seen; `probes`: requests sent before it was measured, to provoke ejections."""

    lab: str
    act: Act
    sight: Sight
    findings: tuple[Finding, ...]
    surprises: tuple[str, ...]
    probes: int
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """Passed if every expectation was met."""
        return overall(finding.verdict for finding in self.findings)

    @property
    def passed(self) -> bool:
        """Whether every expectation was met."""
        return self.verdict is Verdict.passed


def run(lab: Lab, env: Environment, options: Options, report: Report) -> Generator[Result, None, None]:
    """Play every act; UsageError if the mesh isn't fit for it, Refused if the API server refuses a rule.

    Whatever happens, the lab's traces are removed at the end, unless they are to be kept.
    """
    acts = chosen(lab, lab.acts(cast(env.topology)), options.acts)
    prepare(env, acts, report)
    stage = Stage(env, lab.name, report)
    done = False
    try:
        for act in acts:
            yield _play(lab.name, act, stage, env, options, report)
        done = True
    finally:
        if not (done and options.keep):
            report("removing the lab's traces")
            stage.clear()


def chosen(lab: Lab, acts: Sequence[Act], names: Sequence[str]) -> list[Act]:
    """The acts of these names; UsageError if there is one that the lab hasn't."""
    known = [act.name for act in acts]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"lab {lab.name} has no act {', '.join(unknown)}; it has {', '.join(known)}")
    return [act for act in acts if not names or act.name in names]


def prepare(env: Environment, acts: Sequence[Act], report: Report) -> None:
    """Remove what a lab before left; UsageError with everything that stands in the way of this one."""
    report("looking at the mesh")
    journal.clear(env)
    faults = env.faults()
    faults += [f"{text} is failed, not by a lab; run `meshctl heal {text}` first" for text in env.outages()]
    faults += check_foreign(env, acts)
    if faults:
        raise UsageError("\n".join(faults))


def _play(lab: str, act: Act, stage: Stage, env: Environment, options: Options, report: Report) -> Result:
    begun = env.now()
    found = stage.enter(act)
    probes = stage.provoke(act, found)
    sight, findings = _look(act, found, stage, env, options, report)
    notes = (*stage.notes, *surprises(sight, findings))
    return Result(lab, act, sight, findings, notes, probes, env.now() - begun)


def _look(
    act: Act, found: Forecast, stage: Stage, env: Environment, options: Options, report: Report
) -> tuple[Sight, tuple[Finding, ...]]:
    """Send requests until every expectation is settled, or enough have been sent."""
    stated = options.requests or act.load.requests
    size = stated or requests_for(share for e in act.expectations for share in e.shares(found))
    sample, tries = Sample(), 1 if stated else MOST_TRIES
    for number in range(1, tries + 1):
        report(f"sending {size} requests" + (f", to {number * size} in all" if number > 1 else ""))
        sample += _measured(env, replace(act.load, requests=size), report)
        sight = Sight(found, sample, stage.tables(act, found), closed=number == tries)
        findings = judged(act, sight)
        if all(finding.verdict is not Verdict.open for finding in findings):
            break
    return sight, findings


def _measured(env: Environment, load: Load, report: Report) -> Shares:
    """One measurement; again if it met a log that was begun anew: what is missing then is missing for one pod only."""
    found = env.measure(load)
    if (Sample() + found).unseen > STRAY * load.requests:
        report("a log was begun anew; sending the requests again")
        found = env.measure(load)
    return found


def judged(act: Act, sight: Sight) -> tuple[Finding, ...]:
    """What every expectation of the act finds."""
    return tuple(finding for one in act.expectations if (finding := one.judge(sight)))
