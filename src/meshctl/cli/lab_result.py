"""An act after it ran: tables as `istioctl proxy-config endpoint`, bars, verdicts, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshctl.cli import output
from meshctl.cli.lab_outline import paragraph
from meshctl.labs.engine import Result
from meshctl.labs.evidence import CONFIDENCE, Verdict, interval
from meshctl.labs.finding import Bar, Finding
from meshctl.labs.journal import words as outage_words
from meshctl.labs.lab import Lab
from meshctl.labs.proxies import cluster_name
from meshctl.labs.report import summary
from meshctl.labs.text import LabText
from meshctl.labs.view import Seen

BAR = 30
MARKS = {Verdict.passed: ("✓", output.GREEN), Verdict.failed: ("✗", output.RED), Verdict.open: ("?", output.YELLOW)}


def show_title(lab: Lab, words: LabText) -> None:
    """What the lab is about."""
    output.say()
    output.say(output.paint(f"{lab.name}: {words.title}", output.BOLD))
    paragraph(words.teaches)


def show(result: Result, words: LabText) -> None:
    """One act."""
    told = words.acts[result.act.name]
    output.say()
    output.say(f"{_mark(result.verdict)} {output.paint(told.title, output.BOLD)}")
    rules = ", ".join(item["metadata"]["name"] for item in result.act.rules) or "none"
    outages = ", ".join(map(outage_words, result.act.outages)) or "none"
    output.say(output.paint(f"  {result.act.name}; rules: {rules}; outages: {outages}", output.DIM))
    _tables(result)
    output.say()
    for finding in result.findings:
        _finding(finding)
    sample = result.sight.sample
    probes = f"; {result.probes} requests before them, until what had to be ejected was" if result.probes else ""
    output.say(
        output.paint(
            f"  {sample.requests} requests: {summary(sample)}; slowest {sample.slowest:.2f} s; "
            f"intervals {CONFIDENCE} %{probes}; act took {result.seconds:.1f} s",
            output.DIM,
        )
    )
    if told.claim:
        paragraph(f"The course says: {told.claim}")
    paragraph(f"Why: {told.why}")
    for text in result.surprises:
        paragraph(f"Seen: {text}{'' if text.endswith(('?', '.')) else '.'}")


def _mark(verdict: Verdict) -> str:
    mark, color = MARKS[verdict]
    return output.paint(mark, color)


def _tables(result: Result) -> None:
    """A table for each view, of its first proxy: the others hold the same, or the findings tell."""
    for (view, service), proxies in result.sight.tables.items():
        output.say()
        output.say(f"{view}, {cluster_name(view, service)}")
        rows = [row for seen in list(proxies.values())[:1] for row in _endpoints(seen)]
        output.table(("endpoint", "status", "outlier check", "locality", "priority", "weight"), rows)


def _endpoints(seen: Seen) -> Iterator[tuple[object, ...]]:
    for group in seen.table:
        for endpoint in group.endpoints:
            status = "HEALTHY" if endpoint.healthy else "UNHEALTHY"
            check = "FAILED" if endpoint.address in seen.ejected else "OK"
            yield endpoint.address, status, check, group.locality, group.priority, group.weight


def _finding(finding: Finding) -> None:
    if not finding.bars:
        seen = "" if finding.seen in (finding.expected, "as expected") else f"; seen: {finding.seen}"
        output.say(f"  {_mark(finding.verdict)} {finding.name}: {finding.expected}{seen}")
        return
    output.say(f"  {_mark(finding.verdict)} {finding.name}, expected above observed:")
    width = max(len(bar.name) for bar in finding.bars)
    for bar in finding.bars:
        _bars(bar, width)


def _bars(bar: Bar, width: int) -> None:
    if not bar.expected and not bar.count:
        return
    low, high = interval(bar.count, bar.total)
    output.say(f"      {bar.name.ljust(width)}  {output.paint(_drawn(bar.expected), output.DIM)} {bar.expected:6.1%}")
    _, color = MARKS[bar.verdict]
    seen = f"{bar.observed:6.1%}  [{low:.1%}, {high:.1%}]  {bar.count} of {bar.total}"
    output.say(f"      {' ' * width}  {output.paint(_drawn(bar.observed), color)} {seen}")


def _drawn(share: float) -> str:
    full = round(share * BAR)
    return "█" * full + "░" * (BAR - full)


def show_summary(results: Sequence[Result]) -> None:
    """How many acts were as expected."""
    passed = sum(1 for result in results if result.passed)
    requests = sum(result.sight.sample.requests for result in results)
    seconds = sum(result.seconds for result in results)
    output.say()
    output.say(f"{passed} of {len(results)} acts as expected; {requests} requests, {seconds:.0f} s")
