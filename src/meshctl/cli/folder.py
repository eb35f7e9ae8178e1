"""A folder that a command writes again and again: only what differs is touched, and nothing that isn't its own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from meshctl.errors import UsageError

if TYPE_CHECKING:
    from meshctl.render.tree import File

# Names the files that a render made here; a later one removes those that it no longer wants.
LIST = ".meshctl-render"


def write_tree(folder: Path, files: Sequence[File]) -> tuple[list[str], int, list[str]]:
    """Make the folder hold `files`: the paths written, how many were right already, the paths removed.

    UsageError if something stands in the way; a file there that no render made is never replaced.
    """
    try:
        return _write_tree(folder, files)
    except OSError as fault:
        raise UsageError(f"{fault.filename or folder}: can't be written: {fault.strerror}") from None


def _write_tree(folder: Path, files: Sequence[File]) -> tuple[list[str], int, list[str]]:
    folder.mkdir(parents=True, exist_ok=True)
    before = _listed(folder)
    wanted = {file.path: file for file in files}
    strange = [path for path in wanted if path not in before and (folder / path).exists()]
    foreign = [path for path in strange if not _holds(folder / path, wanted[path])]
    if foreign:
        raise UsageError(f"{folder}: {', '.join(foreign)} is there already and not ours; give another folder")
    # Listed before they are written: a killed run leaves nothing that the next one doesn't know.
    _put(folder / LIST, "".join(f"{path}\n" for path in sorted({*before, *wanted})), 0o644)
    written = [path for path, file in wanted.items() if not _holds(folder / path, file)]
    for path in written:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        _put(folder / path, wanted[path].content, 0o600 if wanted[path].secret else 0o644)
    removed = [path for path in before if path not in wanted and _remove(folder, path)]
    _put(folder / LIST, "".join(f"{path}\n" for path in sorted(wanted)), 0o644)
    return written, len(wanted) - len(written), removed


def _listed(folder: Path) -> list[str]:
    try:
        lines = (folder / LIST).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [line for line in lines if line and not Path(line).is_absolute() and ".." not in Path(line).parts]


def _holds(path: Path, file: File) -> bool:
    try:
        same = path.read_text(encoding="utf-8") == file.content
    except (FileNotFoundError, UnicodeDecodeError):
        return False
    return same and (not file.secret or path.stat().st_mode & 0o077 == 0)


def _put(path: Path, content: str, mode: int) -> None:
    draft = path.with_name(f"{path.name}.meshctl-new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as stream:
        stream.write(content)
    draft.replace(path)


def _remove(folder: Path, path: str) -> bool:
    target = folder / path
    existed = target.is_file()
    target.unlink(missing_ok=True)
    for parent in Path(path).parents:
        if parent != Path():
            with suppress(OSError):
                (folder / parent).rmdir()
    return existed
