"""The folder where a topology's state lives, and the lock that lets one writer in at a time."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from meshctl.errors import UsageError


def folder(name: str) -> Path:
    """`$XDG_STATE_HOME/meshctl/NAME` (XDG Base Directory Specification 0.8); it may not exist yet."""
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "meshctl" / name


@contextmanager
def lock(name: str, command: str) -> Iterator[None]:
    """Hold the topology's lock, which the kernel drops with its holder; UsageError names who has it.

    The file is gone afterwards; one that a killed holder left behind is taken over.
    """
    path = folder(name).with_suffix(".lock")
    while True:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(f"{name}: {_holder(file.read())} is at work on it; wait until it ends") from None
            if not _is_still(path, file):
                # The last holder removed it between our open and our lock: what we hold is nobody's lock.
                continue
            file.truncate(0)
            json.dump({"pid": os.getpid(), "command": command}, file)
            file.flush()
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
                with suppress(OSError):
                    path.parent.rmdir()
            return


def _is_still(path: Path, file: IO[str]) -> bool:
    try:
        return path.stat().st_ino == os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        return False


def _holder(text: str) -> str:
    try:
        holder = json.loads(text)
        return f"`{holder['command']}` (pid {holder['pid']})"
    except (ValueError, KeyError, TypeError):
        return "another command"
