"""`meshctl logs`: what a container writes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from meshctl.cli import mesh as live
from meshctl.cli import output
from meshctl.cli.options import Preset

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshctl.mesh.clusters import Mesh
    from meshctl.mesh.pod import Pod

INTERRUPTED = 130


def logs(
    pod: Annotated[str, typer.Argument(metavar="POD", help="POD.NAMESPACE, CLUSTER/POD, or CLUSTER/deploy/NAME.")],
    container: Annotated[
        str | None, typer.Option("--container", "-c", metavar="NAME", help="[default: the application's]")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing what is written.")] = False,
    tail: Annotated[int | None, typer.Option(min=0, metavar="LINES", help="Only the last lines.")] = None,
    previous: Annotated[bool, typer.Option("--previous", "-p", help="Of the container before it restarted.")] = False,
    topology: Annotated[Path | None, typer.Option("--topology", metavar="FILE", help="Topology file.")] = None,
    preset: Preset = None,
) -> None:
    """Print the log of a container.

    The proxy's is its access log, in Istio's format.

    Example: meshctl logs cluster1/deploy/istio-ingressgateway --tail 5 -f
    """
    from meshctl.errors import UsageError
    from meshctl.mesh import naming

    if follow and previous:
        raise UsageError("--follow and --previous exclude each other: what has ended grows no more")
    mesh = live.connect(topology, preset)
    found = naming.find(live.survey(mesh), pod)
    chosen = naming.container(found, container)
    try:
        for piece in _pieces(mesh, found, chosen, follow, tail, previous):
            output.write(piece)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def _pieces(mesh: Mesh, pod: Pod, container: str, follow: bool, tail: int | None, previous: bool) -> Iterator[bytes]:
    from meshctl.kube import logs as kube_logs

    client = mesh.clients[pod.cluster]
    if follow:
        return kube_logs.follow(client, pod.path, container, tail)
    if previous:
        return iter((kube_logs.previous(client, pod.path, container, tail),))
    return iter((kube_logs.read(client, pod.path, container, tail=tail),))
