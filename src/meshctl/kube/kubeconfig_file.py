"""Kubeconfig files: written for their owner alone, merged into somebody's own with a backup, taken out again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from meshctl import state
from meshctl.errors import UsageError
from meshctl.kube import kubeconfig
from meshctl.kube.kubeconfig import Document

BACKUP = ".meshctl-backup"
RECORD = "kubeconfigs"


def users_own() -> Path:
    """The first file of $KUBECONFIG, else ~/.kube/config: where kubectl writes."""
    listed = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return Path(listed[0] if listed else "~/.kube/config").expanduser().absolute()


def text(document: Document) -> str:
    """The document as YAML."""
    return str(yaml.safe_dump(document, sort_keys=False))


def write(path: Path, content: str) -> None:
    """Put a file in place as a whole, readable by its owner alone from its first byte."""
    # Who keeps it elsewhere behind a symbolic link wants it to stay there.
    path = path.resolve()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.meshctl-new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(content)
    draft.replace(path)


def merge(path: Path, ours: Document, topology: str) -> Path | None:
    """Merge our entries into a file, and note it for `unmerge`; where the backup is, if there was a file.

    A second merge leaves the backup as it is: it shows the file without us.
    """
    before = path.read_text() if path.exists() else ""
    theirs = _load(path, before)
    content = text(kubeconfig.merged(theirs, ours, topology))
    backup = path.with_name(path.name + BACKUP) if before else None
    if backup and (not backup.exists() or kubeconfig.without(theirs, topology) == theirs):
        write(backup, before)
    _record(topology, path)
    write(path, content)
    return backup


def unmerge(topology: str) -> list[Path]:
    """Take our entries out of every file that `merge` put them into; the files that changed."""
    changed = []
    for path in _recorded(topology):
        if path.exists():
            before = _load(path, path.read_text())
            after = kubeconfig.without(before, topology)
            if after != before:
                write(path, text(after))
                changed.append(path)
    _file(topology).unlink(missing_ok=True)
    return changed


def _load(path: Path, content: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(content)
    except yaml.YAMLError:
        raise UsageError(f"{path}: is not YAML; mend it or move it away") from None
    if not isinstance(found or {}, dict):
        raise UsageError(f"{path}: is no kubeconfig; mend it or move it away")
    return found or {}


def _file(topology: str) -> Path:
    return state.folder(topology) / RECORD


def _recorded(topology: str) -> list[Path]:
    try:
        return [Path(line) for line in _file(topology).read_text().splitlines()]
    except FileNotFoundError:
        return []


def _record(topology: str, path: Path) -> None:
    known = [*dict.fromkeys([*_recorded(topology), path])]
    write(_file(topology), "".join(f"{one}\n" for one in known))
