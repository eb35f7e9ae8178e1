"""What a run did, gathered from its events: live lines while it works, tables and JSON at the end."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meshctl.cli import output

if TYPE_CHECKING:
    from meshctl.runner.request import Event


@dataclass(slots=True)
class StepReport:
    """One step: its changes and failures by host."""

    name: str
    begin: float
    seconds: float = 0.0
    connected: int = 0
    hosts: set[str] = field(default_factory=set)
    changes: dict[str, list[str]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> int:
        """How many lines of difference there are."""
        return sum(map(len, self.changes.values()))


class Report:
    """Consumes events; `steps`, `unreachable` and `lost` hold what was seen."""

    def __init__(self, live: bool = True) -> None:
        self.live = live
        self.steps: list[StepReport] = []
        self.unreachable: dict[str, str] = {}
        self.lost: list[str] = []

    def follow(self, events: Iterable[Event]) -> None:
        """Take in every event, showing each step as it ends."""
        try:
            for event in events:
                self._take(event)
        finally:
            self._end_step()

    @property
    def failed(self) -> bool:
        """Whether any host was left out."""
        return bool(self.unreachable or self.lost or any(step.failures for step in self.steps))

    @property
    def changed(self) -> int:
        """Lines of difference in all steps."""
        return sum(step.changed for step in self.steps)

    def _take(self, event: Event) -> None:
        match event.kind:
            case "step":
                self._end_step()
                self.steps.append(StepReport(event.step, time.monotonic()))
                self._transient(f"{event.step} …")
            case "connected":
                self.steps[-1].connected += 1
            case "unreachable":
                self.unreachable[event.host] = event.message
                self._line(f"{event.host}: {event.message}", output.RED)
            case "lost":
                self.lost.append(event.message)
            case "failed":
                what = f"{event.operation}: " if event.operation else ""
                self.steps[-1].failures[event.host] = what + event.message
                self._line(f"{event.step}: {event.host}: {what}{event.message}", output.RED)
            case "operation":
                self._operation(event)

    def _operation(self, event: Event) -> None:
        step = self.steps[-1]
        step.hosts.add(event.host)
        if event.diff:
            step.changes.setdefault(event.host, []).extend(event.diff)
        self._transient(f"{step.name}: {len(step.hosts)} hosts, {step.changed} changes …")

    def _end_step(self) -> None:
        if not self.steps or self.steps[-1].seconds:
            return
        step = self.steps[-1]
        step.seconds = max(time.monotonic() - step.begin, 0.001)
        mark, color = ("✓", output.GREEN) if step.hosts or step.connected else ("-", output.YELLOW)
        if step.failures:
            mark, color = "✗", output.RED
        self._line(f"{mark} {step.name:<16} {_count(step)}  {step.seconds:.1f} s", color)

    def _transient(self, text: str) -> None:
        if self.live:
            output.transient(text)

    def _line(self, text: str, color: str) -> None:
        if self.live:
            output.progress_line(text, color)

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "changed": self.changed,
            "failed": self.failed,
            "unreachable": self.unreachable,
            "errors": self.lost,
            "steps": [
                {
                    "name": step.name,
                    "seconds": round(step.seconds, 3),
                    "hosts": sorted(step.hosts),
                    "changes": step.changes,
                    "failures": step.failures,
                }
                for step in self.steps
            ],
        }

    def show_changes(self) -> None:
        """Print the differences, grouped by step and host."""
        for step in self.steps:
            for host, lines in sorted(step.changes.items()):
                output.say(output.paint(f"{step.name} on {host}", output.BOLD))
                for line in lines:
                    color = {"+": output.GREEN, "-": output.RED}.get(line[:1], output.YELLOW)
                    output.say("  " + output.paint(line, color))

    def problems(self) -> list[str]:
        """Each failure in a line: host, what was seen, what to do."""
        return [
            *(f"{host}: {message}" for host, message in sorted(self.unreachable.items())),
            *(f"{host}: {step.name}: {text}" for step in self.steps for host, text in sorted(step.failures.items())),
            *self.lost,
        ]


def _count(step: StepReport) -> str:
    if step.connected:
        return f"{step.connected} hosts"
    if not step.hosts and not step.failures:
        return "skipped"
    changes = f"{step.changed} changes" if step.changed != 1 else "1 change"
    failures = f", {len(step.failures)} failed" if step.failures else ""
    return f"{changes}{failures}"
