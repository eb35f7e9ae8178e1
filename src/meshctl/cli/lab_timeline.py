"""A lab's timeline: watched, drawn for the terminal, and written as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from meshctl.cli import output
from meshctl.errors import UsageError
from meshctl.labs import picture, text, timeline
from meshctl.labs.cast import cast
from meshctl.labs.environment import Environment
from meshctl.labs.expectation import FAILS
from meshctl.labs.lab import Lab
from meshctl.labs.timeline import Timeline

LEVELS = " ▁▂▃▄▅▆▇█"
COLOURS = ("34", "33", "32", "35", "36")


def play(labs: Sequence[Lab], env: Environment, file: Path, shown: bool, language: str | None) -> None:
    """Watch the first of the labs that has a timeline; UsageError if the file can't be written."""
    _check(file)
    lab = next(lab for lab in labs if lab.script)
    part = cast(env.topology)
    words = text.read(lab.name, part, language)
    if lab.script is None:
        return
    found = timeline.watch(lab, lab.script(part), env, output.transient)
    if shown:
        show(found, words.title, words.cues)
    about = (
        f"{found.total.total()} requests, {found.rate:g} a second, through the ingress gateway of {part.local.name}; "
        f"measured on {env.topology.name} with real Envoys, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    )
    file.write_text(picture.html(found, words.title, words.cues, about), encoding="utf-8")
    output.progress_line(f"timeline written to {file}", output.GREEN)


def _check(file: Path) -> None:
    """Before anything is broken for it."""
    if file.is_dir() or not file.parent.is_dir():
        raise UsageError(f"{file}: expected a file in a folder that exists")


def show(found: Timeline, title: str, titles: dict[str, str] | object) -> None:
    """A row of blocks for each cluster, a column for each second."""
    names = dict(titles) if isinstance(titles, dict) else {}
    width = max(len(name) for name in (*found.parties, "slowest", *(span.name for span in found.ejections)))
    output.say()
    output.say(output.paint(f"{title}, second by second", output.BOLD))
    output.say(f"  {' ' * width}  {_marks(found)}")
    for name, color in zip(found.parties, [*COLOURS * 9], strict=False):
        row = "".join(_level(second.answers.get(name, 0) / found.rate) for second in found.seconds)
        output.say(f"  {name.ljust(width)}  {output.paint(row, output.RED if name == FAILS else color)}")
    most = max(0.5, *(second.slowest for second in found.seconds))
    row = "".join(_level(second.slowest / most) for second in found.seconds)
    output.say(f"  {'slowest'.ljust(width)}  {row}  up to {most:.1f} s")
    for name in dict.fromkeys(span.name for span in found.ejections):
        output.say(f"  {name.ljust(width)}  {output.paint(_lane(found, name), output.RED)}  ejected")
    output.say(f"  {' ' * width}  {_scale(len(found.seconds))}")
    for line in timeline.story(found, names):
        output.say(f"  {line}")


def _level(share: float) -> str:
    return LEVELS[min(len(LEVELS) - 1, max(0, -int(-share * (len(LEVELS) - 1) // 1)))]


def _marks(found: Timeline) -> str:
    row = [" "] * len(found.seconds)
    for moment in found.moments:
        row[min(int(moment.at), len(row) - 1)] = "▼"
    return "".join(row)


def _lane(found: Timeline, name: str) -> str:
    spans = [span for span in found.ejections if span.name == name]
    seconds = range(len(found.seconds))
    return "".join("━" if any(span.begin < n + 1 and n < span.end for span in spans) else " " for n in seconds)


def _scale(length: int) -> str:
    return "".join(f"{second:<10}" for second in range(0, length, 10))[:length]
