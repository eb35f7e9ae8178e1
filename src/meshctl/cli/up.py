"""`meshctl up`, `plan` and `down`: build the classroom, show what would change, take it away."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from meshctl.cli import classroom, output
from meshctl.cli.options import Output, Preset, TopologyFile
from meshctl.cli.output import Format
from meshctl.cli.report import Report
from meshctl.errors import Refused

if TYPE_CHECKING:
    from meshctl.provision import Selection
    from meshctl.runner.request import Event

Only = Annotated[
    list[str] | None, typer.Option("--only", metavar="STEP", help="Run only this step; may be given several times.")
]
From = Annotated[str | None, typer.Option("--from", metavar="STEP", help="Start with this step.")]


def up(
    topology: TopologyFile = None,
    preset: Preset = None,
    only: Only = None,
    start: From = None,
    form: Output = Format.table,
) -> None:
    """Build the classroom, or mend it.

    Reads what is there, changes only what differs; a second run changes nothing.

    Example: meshctl up --preset five-clusters
    """
    from meshctl import provision, state
    from meshctl.providers import choose
    from meshctl.validate import find_topology

    wanted = find_topology(topology, preset)
    selection = _selection(only, start)
    provider = choose.provider(wanted)
    with state.lock(wanted.name, "meshctl up"):
        report = follow(form, lambda: provision.up(wanted, provider, selection), "up", "up")
    if form is Format.table:
        if report.changed:
            output.say(f"{report.changed} changes")
        else:
            output.say("nothing to change")
        classroom.show(wanted, provider)


def plan(
    topology: TopologyFile = None,
    preset: Preset = None,
    only: Only = None,
    start: From = None,
    form: Output = Format.table,
) -> None:
    """Show what `up` would change.

    Reads every host and prints the difference; nothing is changed.

    Example: meshctl plan --only routes
    """
    from meshctl import provision
    from meshctl.providers import choose
    from meshctl.validate import find_topology

    wanted = find_topology(topology, preset)
    selection = _selection(only, start)
    provider = choose.provider(wanted)
    report = follow(form, lambda: provision.plan(wanted, provider, selection), "plan", "plan")
    if form is Format.table:
        report.show_changes()
        output.say(f"{report.changed} changes to make" if report.changed else "nothing to change")
        if report.changed and (rest := selection.founded_on(report.steps[-1].name)):
            output.say(f"then {', '.join(rest)}")
        if report.changed:
            output.next_step("meshctl up")


def down(topology: TopologyFile = None, preset: Preset = None, form: Output = Format.table) -> None:
    """Take away everything that `up` made.

    Works after any interruption, and twice in a row.

    Example: meshctl down
    """
    from meshctl import provision, state
    from meshctl.kube import kubeconfig_file
    from meshctl.providers import choose
    from meshctl.validate import find_topology

    wanted = find_topology(topology, preset)
    provider = choose.provider(wanted)
    with state.lock(wanted.name, "meshctl down"):
        kubeconfig_file.unmerge(wanted.name)
        report = follow(form, lambda: provision.down(wanted, provider), "down", "down")
    if form is Format.table:
        output.say(f"{wanted.name} is down" if report.changed else f"{wanted.name} was not up")


def _selection(only: list[str] | None, start: str | None) -> Selection:
    from meshctl.provision import Selection

    return Selection(tuple(only or ()), start)


def follow(form: Format, events: Callable[[], Iterator[Event]], verb: str, again: str) -> Report:
    """Show the events as they come; Refused with every problem if something failed."""
    report = Report(live=form is Format.table)
    try:
        report.follow(events())
    except KeyboardInterrupt as interruption:
        output.error(f"interrupted; `meshctl {again}` continues, `meshctl down` takes everything away")
        number = (interruption.args or (signal.SIGINT,))[0]
        raise typer.Exit(128 + number) from None
    if form is Format.json:
        output.json(report.document())
        if report.failed:
            raise typer.Exit(1)
    elif report.failed:
        problems = "\n".join(report.problems())
        raise Refused(f"{verb} is incomplete; mend this and run `meshctl {again}` again:\n{problems}")
    return report
