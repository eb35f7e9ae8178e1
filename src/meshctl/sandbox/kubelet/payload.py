"""Files of a volume, exchanged as a whole: readers see the old ones or the new ones (kubelet's AtomicWriter)."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DATA = "..data"


@dataclass(frozen=True, slots=True)
class File:
    """A file's bytes, its mode, and who owns it."""

    content: bytes
    mode: int = 0o644
    owner: int = 0
    group: int = 0


def write(folder: Path, files: Mapping[str, File]) -> bool:
    """Make the folder hold these files, by relative path; whether anything changed."""
    if _holds(folder, files):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix="..", dir=folder))
    fresh.chmod(0o755)
    for path, one in files.items():
        _write(fresh, path, one)
    old = (folder / DATA).resolve() if (folder / DATA).exists() else None
    draft = folder / "..data_tmp"
    draft.unlink(missing_ok=True)
    draft.symlink_to(fresh.name)
    draft.replace(folder / DATA)
    _link(folder, {Path(path).parts[0] for path in files})
    if old:
        shutil.rmtree(old)
    return True


def _write(folder: Path, path: str, one: File) -> None:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(one.content)
        if one.owner or one.group:
            os.fchown(stream.fileno(), one.owner, one.group)
        os.fchmod(stream.fileno(), one.mode)


def _link(folder: Path, names: set[str]) -> None:
    """The visible names lead through `..data`; those that are no more go."""
    for entry in folder.iterdir():
        if entry.is_symlink() and entry.name != DATA and entry.name not in names:
            entry.unlink()
    for name in names:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"{DATA}/{name}")


def _holds(folder: Path, files: Mapping[str, File]) -> bool:
    data = folder / DATA
    if not data.exists():
        return False
    found = {str(path.relative_to(data)) for path in data.rglob("*") if path.is_file()}
    return found == set(files) and all((data / path).read_bytes() == one.content for path, one in files.items())
