"""Which processes are taken for supervisors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from meshctl.sandbox import running

WAIT = "print(flush=True); input()"


def started(*words: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", WAIT, *words], stdin=-1, stdout=-1)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_only_the_command_line_of_a_supervisor_is_one(tmp_path: Path) -> None:
    disguises = (
        (running.MODULE, str(tmp_path)),
        (f"-m {running.MODULE} {tmp_path}",),
        ("-m", running.MODULE),
    )
    processes = [started(*words) for words in disguises]
    try:
        with running.supervisors(tmp_path) as found:
            assert found == ()
    finally:
        for process in processes:
            process.communicate(b"\n")


def test_a_launcher_is_found_and_killed_but_is_not_settled(tmp_path: Path) -> None:
    with started("-m", running.MODULE, str(tmp_path)) as launcher:
        with running.supervisors(tmp_path) as found:
            assert [(one.pid, one.settled) for one in found] == [(launcher.pid, False)]
            found[0].kill()
        assert launcher.wait() == -9


def test_another_folders_supervisor_is_not_ours(tmp_path: Path) -> None:
    with started("-m", running.MODULE, str(tmp_path / "other")) as launcher:
        with running.supervisors(tmp_path) as found:
            assert found == ()
        launcher.communicate(b"\n")
