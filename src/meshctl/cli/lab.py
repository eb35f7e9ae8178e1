"""`meshctl lab`: list, show, run and clear up the locality labs."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from meshctl.cli import output
from meshctl.cli.options import Output, Preset, TopologyFile
from meshctl.cli.output import Format
from meshctl.errors import MeshctlError, Refused, UsageError

if TYPE_CHECKING:
    from meshctl.labs.cast import Cast
    from meshctl.labs.engine import Options, Result
    from meshctl.labs.environment import Environment
    from meshctl.labs.lab import Lab
    from meshctl.topology import Topology

app = typer.Typer(name="lab", no_args_is_help=True, help="Run labs: predicted, measured, explained.")


class ResultFormat(StrEnum):
    """How `lab run` prints what was seen."""

    table = "table"
    json = "json"
    junit = "junit"


Names = Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Labs to run, in this order.")]
Language = Annotated[
    str | None, typer.Option("--language", metavar="LANG", help="Language of the texts.  [default: en]")
]


@app.command("list")
def list_(
    topology: TopologyFile = None, preset: Preset = None, language: Language = None, form: Output = Format.table
) -> None:
    """List the labs: chapter, name, title, and whether the topology can show them.

    Example: meshctl lab list
    """
    from meshctl.labs import cast, text
    from meshctl.labs.catalog import LABS
    from meshctl.validate import find_topology

    wanted = find_topology(topology, preset)
    part, reason = _cast(cast, wanted)
    states = _states(wanted, LABS) if part else {lab.name: reason for lab in LABS}
    rows = [
        {
            "name": lab.name,
            "chapter": lab.chapter,
            "title": text.read(lab.name, part, language).title,
            "state": states[lab.name],
        }
        for lab in LABS
    ]
    if form is Format.json:
        output.json(rows)
        return
    output.table(("name", "chapter", "title", "state"), [list(row.values()) for row in rows])
    output.next_step(f"meshctl lab show {LABS[0].name}")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name of the lab.")],
    topology: TopologyFile = None,
    preset: Preset = None,
    language: Language = None,
    form: Output = Format.table,
) -> None:
    """Show what a lab teaches, its objects, and what must be seen.

    Works offline: the expected tables and shares come from the meshctl model.

    Example: meshctl lab show distribute
    """
    from meshctl.cli import lab_outline
    from meshctl.labs import text
    from meshctl.labs.cast import cast
    from meshctl.labs.catalog import find
    from meshctl.validate import find_topology

    lab = find([name])[0]
    part = cast(find_topology(topology, preset))
    words = text.read(lab.name, part, language)
    if form is Format.json:
        output.json(lab_outline.document(lab, part, words))
    else:
        lab_outline.show(lab, part, words)


@app.command()
def run(
    names: Names = None,
    every: Annotated[bool, typer.Option("--all", help="Run every lab that the topology can show.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the last act's rules and outages in the mesh.")] = False,
    requests: Annotated[
        int, typer.Option(min=0, metavar="N", help="Requests of each act.", show_default="as many as its shares need")
    ] = 0,
    act: Annotated[
        list[str] | None, typer.Option("--act", metavar="NAME", help="Only this act of the lab; repeatable.")
    ] = None,
    timeline: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Run the lab's timeline, too, and write it as a picture.")
    ] = None,
    topology: TopologyFile = None,
    preset: Preset = None,
    language: Language = None,
    form: Annotated[ResultFormat, typer.Option("--output", "-o", help="How to print the result.")] = ResultFormat.table,
) -> None:
    """Run labs: apply, wait, send requests, compare with the model, explain, clear up.

    Exit code 1 if anything is not as expected.

    Example: meshctl lab run failover --timeline failover.html
    """
    from meshctl import state
    from meshctl.labs.engine import Options
    from meshctl.validate import find_topology

    wanted = find_topology(topology, preset)
    labs = _selected(names, every, wanted)
    if timeline and not any(lab.script for lab in labs):
        raise UsageError(f"{', '.join(lab.name for lab in labs)}: no timeline; failover has one")
    if keep and len(labs) > 1:
        raise UsageError(f"--keep leaves one lab's state in the mesh; {len(labs)} labs were given")
    with state.lock(wanted.name, "meshctl lab run"), _interruptible("meshctl lab clean"):
        env = _environment(wanted)
        results = _run(labs, env, Options(requests, keep, tuple(act or ())), form, language)
        if timeline:
            _timeline(labs, env, timeline, form, language)
    _finish(results, form)


@app.command()
def clean(topology: TopologyFile = None, preset: Preset = None, form: Output = Format.table) -> None:
    """Remove everything that labs applied, and heal what they broke; whatever else is there stays.

    Example: meshctl lab clean
    """
    from meshctl import state
    from meshctl.labs import journal
    from meshctl.validate import find_topology

    wanted = find_topology(topology, preset)
    with state.lock(wanted.name, "meshctl lab clean"):
        undone = journal.clear(_environment(wanted))
    if form is Format.json:
        output.json({"removed": undone})
        return
    for line in undone:
        output.say(line)
    if not undone:
        output.say("no lab left anything")


def _cast(module: Any, topology: Topology) -> tuple[Cast | None, str]:
    try:
        return module.cast(topology), ""
    except module.Unsuitable as reason:
        return None, f"not here: {reason}"


def _states(topology: Topology, labs: Sequence[Lab]) -> dict[str, str]:
    """Of each lab: whether its traces are in the mesh."""
    from meshctl.labs import journal

    try:
        running = journal.running(_environment(topology))
    except MeshctlError:
        return {lab.name: "ready after `meshctl up`" for lab in labs}
    return {lab.name: "in the mesh" if lab.name == running else "ready" for lab in labs}


def _environment(topology: Topology) -> Environment:
    from meshctl.labs.live import live
    from meshctl.providers import choose

    provider = choose.provider(topology)
    if not provider.exists():
        raise UsageError(f"{topology.name} is not up; `meshctl up` builds it")
    return live(topology, provider)


def _selected(names: list[str] | None, every: bool, topology: Topology) -> list[Lab]:
    from meshctl.labs.cast import cast
    from meshctl.labs.catalog import LABS, find

    if bool(names) == every:
        raise UsageError("give the names of labs, or --all; `meshctl lab list` shows them")
    found = list(LABS) if every else find(names or [])
    cast(topology)
    return found


@contextmanager
def _interruptible(remedy: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as interruption:
        output.error(f"interrupted; what the lab changed was undone, `{remedy}` undoes it if anything is left")
        number = (interruption.args or (signal.SIGINT,))[0]
        raise typer.Exit(128 + number) from None


def _run(labs: list[Lab], env: Environment, options: Options, form: ResultFormat, language: str | None) -> list[Result]:
    from meshctl.cli import lab_result
    from meshctl.labs import engine, text
    from meshctl.labs.cast import cast

    results = []
    for lab in labs:
        words = text.read(lab.name, cast(env.topology), language)
        if form is ResultFormat.table:
            lab_result.show_title(lab, words)
        with closing(engine.run(lab, env, options, output.transient)) as acts:
            for result in acts:
                results.append(result)
                if form is ResultFormat.table:
                    lab_result.show(result, words)
                else:
                    color = output.GREEN if result.passed else output.RED
                    output.progress_line(f"{'✓' if result.passed else '✗'} {lab.name}: {result.act.name}", color)
    return results


def _timeline(labs: list[Lab], env: Environment, file: Path, form: ResultFormat, language: str | None) -> None:
    from meshctl.cli import lab_timeline

    lab_timeline.play(labs, env, file, form is ResultFormat.table, language)


def _finish(results: list[Result], form: ResultFormat) -> None:
    from meshctl.cli import lab_result
    from meshctl.labs import report

    if form is ResultFormat.json:
        output.json(report.document(results))
    elif form is ResultFormat.junit:
        output.say(report.junit(results))
    else:
        lab_result.show_summary(results)
    wrong = [f"{result.lab}: {result.act.name}" for result in results if not result.passed]
    if wrong:
        raise Refused(f"not as expected: {', '.join(wrong)}")
