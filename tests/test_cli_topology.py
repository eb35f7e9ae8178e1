"""`meshctl init` and `meshctl validate` as a person types them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import yaml


def meshctl(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "meshctl", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_init_writes_a_valid_project_once(tmp_path: Path) -> None:
    assert meshctl("init", "--preset", "five-clusters", cwd=tmp_path).returncode == 0
    (tmp_path / ".gitignore").write_text("mine\n")
    again = meshctl("init", cwd=tmp_path)
    assert again.stdout.count("kept as it is") == 3
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    assert "five-clusters: 5 clusters, 12 nodes, 3 networks" in meshctl("validate", cwd=tmp_path).stdout


def test_the_printed_schema_accepts_the_presets(tmp_path: Path) -> None:
    schema = json.loads(meshctl("validate", "--schema", cwd=tmp_path).stdout)
    meshctl("init", cwd=tmp_path)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load((tmp_path / "topology.yaml").read_text()), schema)


def test_a_broken_file_exits_with_2_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text("name: X\n")
    result = meshctl("validate", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stdout == ""
    assert "topology.yaml:1: name: is 'X'" in result.stderr
    assert "topology.yaml:1: clusters: is missing" in result.stderr
    assert "Traceback" not in result.stderr


def test_problems_as_json(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text("name: X\n")
    result = meshctl("validate", "-o", "json", cwd=tmp_path)
    assert result.returncode == 2
    report = json.loads(result.stdout)
    assert report["valid"] is False
    assert {"line": 1, "where": "clusters", "message": "is missing: the clusters of the mesh."} in report["problems"]


def test_json_has_what_follows_from_the_topology(tmp_path: Path) -> None:
    report = json.loads(meshctl("validate", "--preset", "classroom", "-o", "json", cwd=tmp_path).stdout)
    assert report["clusters"][1]["apiServer"] == "https://192.168.229.140:6443"
    assert "172.22.0.0/24 via 192.168.229.144" in report["clusters"][1]["routes"]


def test_an_unknown_option_exits_with_2(tmp_path: Path) -> None:
    assert meshctl("validate", "--nonsense", cwd=tmp_path).returncode == 2


def test_version(tmp_path: Path) -> None:
    assert meshctl("--version", cwd=tmp_path).stdout.startswith("meshctl 0.")
