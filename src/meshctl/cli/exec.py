"""`meshctl exec`: a command in a container."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from meshctl.cli import mesh as live
from meshctl.cli.options import Preset, TopologyFile


def execute(
    pod: Annotated[str, typer.Argument(metavar="POD", help="POD.NAMESPACE, CLUSTER/POD, or CLUSTER/deploy/NAME.")],
    command: Annotated[list[str], typer.Argument(metavar="COMMAND...", help="What to run, after --.")],
    container: Annotated[
        str | None, typer.Option("--container", "-c", metavar="NAME", help="[default: the application's]")
    ] = None,
    stdin: Annotated[bool, typer.Option("--stdin", "-i", help="Pass standard input on.")] = False,
    tty: Annotated[bool, typer.Option("--tty", "-t", help="Give it a terminal.")] = False,
    topology: TopologyFile = None,
    preset: Preset = None,
) -> None:
    """Run a command in a container.

    Its exit code becomes ours.

    Example: meshctl exec cluster1/deploy/sleep -- curl -sI http://productpage:9080/productpage

    Example: meshctl exec -it cluster1/deploy/sleep -- sh
    """
    from meshctl.errors import UsageError
    from meshctl.kube import terminal
    from meshctl.mesh import naming

    if tty and not (sys.stdin.isatty() and stdin):
        raise UsageError("--tty needs --stdin and a terminal to read from")
    mesh = live.connect(topology, preset)
    found = naming.find(live.survey(mesh), pod)
    chosen = naming.container(found, container)
    code = terminal.attach(mesh.accesses[found.cluster], found.path, chosen, command, stdin, tty)
    if code:
        raise typer.Exit(code)
