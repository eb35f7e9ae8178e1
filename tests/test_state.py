"""One writer at a time, by a lock that dies with its holder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from meshctl import state
from meshctl.errors import UsageError

HOLD = "from meshctl import state\nwith state.lock('room', 'meshctl up'):\n    print('held', flush=True); input()"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_the_second_writer_is_told_who_is_at_work() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD], stdin=-1, stdout=-1) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(UsageError, match=rf"`meshctl up` \(pid {holder.pid}\) is at work"), state.lock("room", "x"):
            pass
        with state.lock("other room", "x"):
            pass
        holder.kill()
        holder.wait()
        with state.lock("room", "x"):
            pass


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    with state.lock("room", "x"):
        assert list(tmp_path.rglob("*.lock"))
    assert list(tmp_path.iterdir()) == []
