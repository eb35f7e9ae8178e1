"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from meshctl.cli.output import Format

TopologyFile = Annotated[
    Path | None,
    typer.Option("--topology", "-f", metavar="FILE", help="Topology file.  [default: ./topology.yaml, if present]"),
]
Preset = Annotated[
    str | None,
    typer.Option("--preset", metavar="NAME", help="Built-in topology: classroom, vagrant or five-clusters."),
]
Output = Annotated[Format, typer.Option("--output", "-o", help="How to print the result.")]
