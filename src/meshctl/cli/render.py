"""`meshctl render`: the manifests of a topology as files, to read or to apply by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from meshctl.cli import output
from meshctl.cli.options import Preset, TopologyFile
from meshctl.errors import UsageError

if TYPE_CHECKING:
    from meshctl.render.tree import File, Pems
    from meshctl.topology import Topology

Target = Annotated[
    str, typer.Option("--output", "-o", metavar="DIR|-", help="Folder to write to, or - for YAML on standard output.")
]
Secrets = Annotated[
    bool, typer.Option("--with-secrets", help="Write the cacerts Secrets, too; needs `meshctl certs init`.")
]


def render(
    target: Target,
    topology: TopologyFile = None,
    preset: Preset = None,
    istio_version: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Render for this version of Istio, whatever the file says.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(metavar="CLUSTER", help="Only this cluster; repeatable.")] = None,
    with_secrets: Secrets = False,
    certs: Annotated[Path, typer.Option(metavar="DIR", help="Where the certificates are.")] = Path("certs"),
) -> None:
    """Write every manifest of the topology.

    A folder of numbered steps with a README of the commands; files that are as they should be stay untouched, files
    of an earlier render that are no longer wanted go.

    Example: meshctl render -o rendered --istio-version 1.11.2
    """
    from meshctl.render.tree import tree
    from meshctl.validate import find_topology, with_istio

    found = find_topology(topology, preset)
    if istio_version is not None:
        found = with_istio(found, istio_version)
    names = _clusters(found, only or [])
    pems = _pems(certs, names) if with_secrets else None
    files = [file for file in tree(found, pems) if not only or file.cluster in ("", *names)]
    if target == "-":
        _print(files)
    else:
        _write(Path(target), files)


def _clusters(topology: Topology, only: Sequence[str]) -> list[str]:
    known = [cluster.name for cluster in topology.clusters]
    if unknown := [name for name in only if name not in known]:
        raise UsageError(f"cluster {', '.join(unknown)} is unknown; expected {', '.join(known)}")
    return list(only) or known


def _pems(folder: Path, names: Iterable[str]) -> Pems:
    from meshctl.render.cacerts import FILES

    missing = [folder / c / name for c in names for name in FILES if not (folder / c / name).is_file()]
    if missing:
        raise UsageError(f"{', '.join(map(str, missing))}: missing; `meshctl certs init` makes the certificates")
    try:
        return {c: {name: (folder / c / name).read_bytes() for name in FILES} for c in names}
    except OSError as fault:
        raise UsageError(f"{fault.filename}: can't be read: {fault.strerror}") from None


def _print(files: Sequence[File]) -> None:
    # A patch is no object, a script no YAML.
    shown = [file for file in files if file.path.endswith(".yaml") and not file.path.endswith(".external-ips.yaml")]
    for file in shown:
        output.say(f"---\n# {file.path}")
        output.say(file.content.removeprefix("---\n").rstrip("\n"))


def _write(folder: Path, files: Sequence[File]) -> None:
    from meshctl.cli.folder import write_tree

    written, kept, removed = write_tree(folder, files)
    parts = [f"{len(written)} files written", f"{kept} unchanged"]
    if removed:
        parts.append(f"{len(removed)} removed")
    output.say(f"{folder}: {', '.join(parts)}")
    output.next_step(f"less {folder / 'README.md'}")
