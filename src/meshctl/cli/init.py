"""`meshctl init`: a project folder to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from meshctl.cli import output
from meshctl.cli.options import Preset

GITIGNORE = "/certs/\n/rendered/\n"
EDITOR_LINE = "# yaml-language-server: $schema=topology.schema.json\n"


def init(
    directory: Annotated[Path, typer.Argument(help="Folder to write to; made if it is missing.")] = Path(),
    preset: Preset = None,
) -> None:
    """Write a project folder to start from.

    A file that exists is never touched.

    Example: meshctl init my-classroom --preset five-clusters
    """
    import json

    from meshctl import validate as topologies

    text = topologies.preset_text(preset or topologies.DEFAULT_PRESET)
    files = {
        topologies.FILE_NAME: EDITOR_LINE + text,
        "topology.schema.json": json.dumps(topologies.schema(), indent=2) + "\n",
        ".gitignore": GITIGNORE,
    }
    rows = [(directory / name, _write(directory / name, content)) for name, content in files.items()]
    output.table(("file", "result"), rows)
    where = "" if directory == Path() else f"cd {directory} && "
    output.next_step(f"{where}meshctl validate")


def _write(path: Path, content: str) -> str:
    from meshctl.errors import UsageError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            stream.write(content)
    except FileExistsError:
        if path.parent.is_dir():
            return "kept as it is"
        raise UsageError(f"{path.parent}: is no directory; expected a folder to write to") from None
    except OSError as fault:
        raise UsageError(f"{path}: can't be written: {fault.strerror}") from None
    return "written"
