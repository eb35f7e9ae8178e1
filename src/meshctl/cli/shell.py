"""`meshctl shell`: a shell on a node."""

from __future__ import annotations

import difflib
import os
import sys
from typing import Annotated

import typer

from meshctl.cli.options import Preset, TopologyFile
from meshctl.errors import UsageError


def shell(
    node: Annotated[str, typer.Argument(help="Name of the node.")],
    command: Annotated[list[str] | None, typer.Argument(help="Command to run instead of a shell.")] = None,
    topology: TopologyFile = None,
    preset: Preset = None,
) -> None:
    """Open a shell on a node.

    Example: meshctl shell cluster2-n1 -- ip route
    """
    from meshctl.providers import choose
    from meshctl.validate import find_topology

    wanted = find_topology(topology, preset)
    names = {found.name: found for _, found in wanted.nodes}
    if node not in names:
        near = difflib.get_close_matches(node, names, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UsageError(f"node {node!r} is unknown; {hint}expected one of {', '.join(names)}")
    provider = choose.provider(wanted)
    if not provider.exists():
        raise UsageError(f"{wanted.name} is not up; `meshctl up` builds it")
    arguments = provider.shell(names[node])
    sys.stdout.flush()
    os.execvp(arguments[0], [*arguments, *(command or ())])  # replaces this process, by design
