"""`meshctl reset`: back to what `up` left, between two classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from meshctl.cli import output
from meshctl.cli.options import Output, Preset, TopologyFile
from meshctl.cli.output import Format
from meshctl.cli.up import follow
from meshctl.errors import UsageError


def reset(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be undone.")] = False,
    topology: TopologyFile = None,
    preset: Preset = None,
    form: Output = Format.table,
) -> None:
    """Undo what students and labs did.

    Outages are healed; in the mesh's namespaces, istio and istio-system, objects that others applied are deleted and
    fields that others added are taken away; then everything is made as `up` makes it. What is fine is not restarted.
    Namespaces of others are left alone, and named.

    Example: meshctl reset --dry-run
    """
    from meshctl import state
    from meshctl.providers import choose
    from meshctl.reset import steps
    from meshctl.validate import find_topology

    wanted = find_topology(topology, preset)
    provider = choose.provider(wanted)
    if not provider.exists():
        raise UsageError(f"{wanted.name} is not up; `meshctl up` builds it")
    others: dict[str, tuple[str, ...]] = {}
    if dry_run:
        report = follow(form, lambda: steps.foresee(wanted, provider, others), "reset --dry-run", "reset --dry-run")
    else:
        with state.lock(wanted.name, "meshctl reset"):
            report = follow(form, lambda: steps.undo(wanted, provider, others), "reset", "reset")
    if form is Format.table:
        report.show_changes()
        _conclude(report.changed, others, dry_run)


def _conclude(changed: int, others: Mapping[str, tuple[str, ...]], dry_run: bool) -> None:
    for cluster, names in others.items():
        output.say(f"left alone in {cluster}: namespace {', '.join(names)}")
    if not changed:
        output.say("nothing to undo")
    elif dry_run:
        output.say(f"{changed} changes to undo")
        output.next_step("meshctl reset")
    else:
        output.say(f"{changed} changes undone")
        output.next_step("meshctl status")
