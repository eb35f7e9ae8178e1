"""`meshctl lab` as a person types it, without a mesh."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from meshctl import state
from meshctl.labs.catalog import LABS

SOURCE = Path(__file__).parents[1] / "src"


def lab(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "meshctl", "lab", *arguments]
    environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state"), "PYTHONPATH": str(SOURCE)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_list_has_every_lab_with_its_state(tmp_path: Path) -> None:
    rows = json.loads(lab(tmp_path, "list", "-o", "json").stdout)
    assert [row["name"] for row in rows] == [one.name for one in LABS]
    assert {row["state"] for row in rows} == {"ready after `meshctl up`"}


def test_the_outline_shows_objects_tables_and_shares_of_the_model(tmp_path: Path) -> None:
    output = lab(tmp_path, "show", "distribute").stdout
    assert "us-central3/z3/*: 100" in output
    assert "192.168.229.102:15443   us-central3/z3/sz03   0          2 of 100   HEALTHY   100.0%" in output
    assert output.count("50.0%") == 2
    assert "expected by the meshctl model, not measured" in output


def test_the_outline_as_json_follows_the_topology(tmp_path: Path) -> None:
    found = json.loads(lab(tmp_path, "show", "failover", "--preset", "five-clusters", "-o", "json").stdout)
    acts = {act["name"]: act for act in found["acts"]}
    assert acts["course"]["expected"]["productpage"]["failed"] == 0
    assert "cluster1" not in json.dumps(found)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "failovr"), "lab 'failovr' is unknown; did you mean failover?"),
        (("run", "failovr", "distribut"), "lab 'distribut' is unknown; did you mean distribute"),
        (("run",), "give the names of labs, or --all"),
        (("run", "failover", "--all"), "give the names of labs, or --all"),
        (("run", "failover"), "classroom is not up; `meshctl up` builds it"),
        (("run", "distribute", "--timeline", "x.html"), "no timeline; failover has one"),
        (("run", "--all", "--keep"), "--keep leaves one lab's state in the mesh"),
        (("clean",), "classroom is not up; `meshctl up` builds it"),
    ],
)
def test_bad_input_is_one_clear_error(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    result = lab(tmp_path, *arguments)
    assert result.returncode == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_a_lab_while_another_runs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with state.lock("classroom", "meshctl lab run"):
        result = lab(tmp_path, "run", "failover")
    assert result.returncode == 2
    assert "`meshctl lab run` (pid" in result.stderr
