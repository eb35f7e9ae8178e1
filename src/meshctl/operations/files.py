"""Text files of a host."""

from __future__ import annotations

import shlex
from collections.abc import Generator, Mapping
from pathlib import PurePosixPath

from pyinfra import host
from pyinfra.api import operation

from meshctl.facts.files import TextFile
from meshctl.operations.change import Change


@operation()
def texts(files: Mapping[str, str]) -> Generator[Change, None, None]:
    """
    Files have this content; their folders are made.

    + files: content by absolute path
    """
    live = {path: host.get_fact(TextFile, path=path) for path in files}
    changed = [path for path, content in files.items() if live[path] != content]
    if not changed:
        host.noop("files are as wanted")
    for path in changed:
        folder = shlex.quote(str(PurePosixPath(path).parent))
        command = f"mkdir -p {folder} && printf %s {shlex.quote(files[path])} > {shlex.quote(path)}"
        yield Change(command, f"{'+' if live[path] is None else '~'} file {path}")


@operation()
def absent(files: Mapping[str, str]) -> Generator[Change, None, None]:
    """
    Files are gone.

    + files: by absolute path; their content does not matter
    """
    found = [path for path in files if host.get_fact(TextFile, path=path) is not None]
    if not found:
        host.noop("no file of ours is left")
    for path in found:
        yield Change(f"rm -f {shlex.quote(path)}", f"- file {path}")
