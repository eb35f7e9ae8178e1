"""The kubectls on this machine, by version."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

NAME = re.compile(r"kubectl([.-]v?\d[\d.]*)?")
# Where packages put programs of several versions, though only one of them is on the path.
FOLDERS = ("/usr/lib/google-cloud-sdk/bin", "/opt/google-cloud-sdk/bin", "/usr/local/bin", "/snap/bin", "/opt/kubectl")


@cache
def kubectls() -> Mapping[str, Path]:
    """The program of each minor version such as `1.33`, oldest first; none is downloaded."""
    found: dict[str, Path] = {}
    for program in _programs():
        found.setdefault(_version(program), program)
    found.pop("", None)
    return MappingProxyType(dict(sorted(found.items(), key=lambda entry: int(entry[0].partition(".")[2]))))


def _programs() -> Iterator[Path]:
    folders = [Path(folder) for folder in (*os.get_exec_path(), *FOLDERS)]
    resolved = [folder / "kubectl" for folder in folders if (folder / "kubectl").exists()]
    folders += [program.resolve().parent for program in resolved]
    for folder in dict.fromkeys(folder for folder in folders if folder.is_dir()):
        # Names with a version first: a bare kubectl may be a dispatcher that runs one of them.
        names = sorted((path for path in folder.iterdir() if NAME.fullmatch(path.name)), reverse=True)
        yield from (path for path in names if os.access(path, os.X_OK))


def _version(program: Path) -> str:
    command = [str(program), "version", "--client", "-o", "json"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode:
        return ""
    version = json.loads(found.stdout)["clientVersion"]
    return f"{version['major']}.{version['minor'].rstrip('+')}"
