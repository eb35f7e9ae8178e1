"""Taking a sandbox away: its processes, and with them all namespaces, mounts and interfaces, then its files."""

from __future__ import annotations

import contextlib
import shutil

from meshctl.sandbox import paths, running
from meshctl.sandbox.paths import Paths


def delete(name: str) -> bool:
    """Leave nothing of a sandbox, whatever its state; whether there was anything. The caller holds `state.lock`."""
    where = paths.of(name)
    killed = kill(where)
    existed = where.folder.exists()
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(where.folder)
    with contextlib.suppress(OSError):
        where.folder.parent.rmdir()
    return killed or existed


def exists(name: str) -> bool:
    """Whether anything of a sandbox is there: a process or a file."""
    where = paths.of(name)
    with running.supervisors(where.folder) as found:
        return bool(found) or where.folder.exists()


def kill(where: Paths) -> bool:
    """End every supervisor of a folder, also one that is just being started; whether there was one."""
    killed = False
    while True:
        with running.supervisors(where.folder) as found:
            if not found:
                return killed
            for supervisor in found:
                supervisor.kill()
            killed = True
