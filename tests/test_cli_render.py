"""`meshctl render` as a person types it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml


def meshctl(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "meshctl", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_second_run_writes_nothing(tmp_path: Path) -> None:
    assert "25 files written, 0 unchanged" in meshctl(tmp_path, "render", "-o", "out").stdout
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.yaml")}
    assert "0 files written, 25 unchanged" in meshctl(tmp_path, "render", "-o", "out").stdout
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.yaml")}


def test_what_is_no_longer_wanted_goes_and_what_is_not_ours_stays(tmp_path: Path) -> None:
    meshctl(tmp_path, "render", "-o", "out")
    (tmp_path / "out/00-routes/notes.txt").write_text("mine")
    result = meshctl(tmp_path, "render", "-o", "out", "--only", "cluster1")
    assert "removed" in result.stdout
    assert not (tmp_path / "out/60-istio-remotes").exists()
    assert (tmp_path / "out/00-routes/notes.txt").read_text() == "mine"


def test_a_file_of_the_users_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    result = meshctl(tmp_path, "render", "-o", ".")
    assert result.returncode == 2
    assert "README.md is there already and not ours" in result.stderr
    assert (tmp_path / "README.md").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md"]


def test_secrets_are_written_only_when_asked_and_only_for_their_owner(tmp_path: Path) -> None:
    missing = meshctl(tmp_path, "render", "-o", "out", "--with-secrets")
    assert missing.returncode == 2
    assert "certs/cluster1/ca-cert.pem" in missing.stderr
    meshctl(tmp_path, "certs", "init", "--key-type", "ec-p256")
    os.umask(0)
    try:
        assert meshctl(tmp_path, "render", "-o", "out", "--with-secrets").returncode == 0
    finally:
        os.umask(0o022)
    secrets = list((tmp_path / "out/30-cacerts").iterdir())
    assert len(secrets) == 3
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in secrets)
    meshctl(tmp_path, "render", "-o", "out")
    assert not (tmp_path / "out/30-cacerts").exists()


def test_standard_output_is_one_yaml_stream(tmp_path: Path) -> None:
    result = meshctl(tmp_path, "render", "-o", "-", "--preset", "five-clusters")
    kinds = [document["kind"] for document in yaml.safe_load_all(result.stdout)]
    assert kinds.count("IstioOperator") == 9
    assert kinds.count("Deployment") == 30


def test_an_unknown_version_or_cluster_is_refused(tmp_path: Path) -> None:
    for option, value, words in (
        ("--istio-version", "1.15.3", "expected 1.11.x"),
        ("--istio-version", "latest", "expected one such as 1.31.0"),
        ("--only", "cluster9", "expected cluster1, cluster2, cluster3"),
    ):
        result = meshctl(tmp_path, "render", "-o", "out", option, value)
        assert result.returncode == 2
        assert words in result.stderr
    assert not (tmp_path / "out").exists()


def test_an_unwritable_folder_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = meshctl(tmp_path, "render", "-o", "file/out")
    assert result.returncode == 2
    assert "can't be written" in result.stderr
    assert "Traceback" not in result.stderr
