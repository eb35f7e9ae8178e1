"""`meshctl kubeconfig`: the way to the clusters for kubectl and every other client."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from meshctl.cli import output
from meshctl.cli.options import Preset, TopologyFile
from meshctl.errors import UsageError

if TYPE_CHECKING:
    from meshctl.kube.kubeconfig import Document
    from meshctl.topology import Topology

FILE = "kubeconfig"


def kubeconfig(
    topology: TopologyFile = None,
    preset: Preset = None,
    file: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write it; - prints it, keys and all."),
    ] = None,
    merge: Annotated[
        bool, typer.Option("--merge", help="Put it into your own kubeconfig; `down` takes it out.")
    ] = False,
) -> None:
    """Write a kubeconfig with a context for each cluster.

    The contexts are named after the clusters and work on this machine. Without -o it is a file of its own; --merge
    keeps a copy of your own file beside it.

    Example: meshctl kubeconfig --merge && kubectl --context cluster1 get nodes
    """
    from meshctl import state
    from meshctl.kube import kubeconfig_file
    from meshctl.validate import find_topology

    if merge and file:
        raise UsageError("--merge and --output exclude each other; give one of them")
    wanted = find_topology(topology, preset)
    document = _document(wanted)
    if file == "-":
        output.say(kubeconfig_file.text(document).rstrip())
    elif merge:
        _merge(wanted, document)
    else:
        path = Path(file) if file else state.folder(wanted.name) / FILE
        kubeconfig_file.write(path, kubeconfig_file.text(document))
        output.say(f"wrote {path}")
        output.next_step(f"kubectl --kubeconfig {path} --context {wanted.primary.name} get nodes")


def _merge(wanted: Topology, document: Document) -> None:
    from meshctl import state
    from meshctl.kube import kubeconfig_file

    path = kubeconfig_file.users_own()
    with state.lock(wanted.name, "meshctl kubeconfig"):
        backup = kubeconfig_file.merge(path, document, wanted.name)
    output.say(f"merged into {path}" + (f"; it was as in {backup}" if backup else ""))
    output.next_step(f"kubectl --context {wanted.primary.name} get nodes")


def _document(wanted: Topology) -> Document:
    from meshctl.kube.kubeconfig import Entry, document
    from meshctl.providers import choose

    if wanted.provider != "sandbox":
        raise UsageError(
            f"the clusters of {wanted.name} are not ours (provider {wanted.provider}); use their own files"
        )
    found = choose.provider(wanted).forwarded()
    try:
        entries = [
            Entry(
                name,
                access.server,
                Path(access.authority).read_bytes(),
                Path(access.certificate).read_bytes(),
                Path(access.key).read_bytes(),
            )
            for name, access in found.items()
        ]
    except FileNotFoundError:
        raise UsageError(f"{wanted.name} has no Kubernetes API yet; `meshctl up` builds it") from None
    return document(wanted.name, entries)
