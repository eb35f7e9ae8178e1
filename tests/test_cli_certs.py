"""`meshctl certs` as a person types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from meshctl.validate import preset_text


def certs(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "meshctl", "certs", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def made(folder: Path) -> None:
    assert certs(folder, "init", "--key-type", "ec-p256").returncode == 0


def test_init_show_and_verify(tmp_path: Path) -> None:
    made(tmp_path)
    shown = certs(tmp_path, "show").stdout
    assert shown.count("O=Istio, CN=Intermediate CA, L=cluster") == 3
    assert certs(tmp_path, "verify").returncode == 0


def test_a_second_init_makes_nothing(tmp_path: Path) -> None:
    made(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.pem")}
    result = certs(tmp_path, "init")
    assert result.returncode == 0
    assert "made" not in result.stdout
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*.pem")}


def test_a_cluster_added_later_gets_an_intermediate_under_the_same_root(tmp_path: Path) -> None:
    text = preset_text("classroom")
    (tmp_path / "topology.yaml").write_text(text[: text.index("  - name: cluster3")])
    made(tmp_path)
    root = (tmp_path / "certs/root-cert.pem").read_bytes()
    assert not (tmp_path / "certs/cluster3").exists()
    (tmp_path / "topology.yaml").write_text(text)
    assert certs(tmp_path, "init").returncode == 0
    assert (tmp_path / "certs/cluster3/root-cert.pem").read_bytes() == root
    assert (tmp_path / "certs/root-cert.pem").read_bytes() == root


def test_rotate_replaces_one_intermediate_under_the_same_root(tmp_path: Path) -> None:
    made(tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "certs/cluster2").iterdir()}
    assert certs(tmp_path, "rotate", "cluster2").returncode == 0
    after = {path.name: path.read_bytes() for path in (tmp_path / "certs/cluster2").iterdir()}
    assert before["root-cert.pem"] == after["root-cert.pem"]
    assert before["ca-key.pem"] != after["ca-key.pem"]
    assert certs(tmp_path, "verify").returncode == 0


def test_damage_is_named_and_the_answer_is_no(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / "certs/cluster1/ca-key.pem").chmod(0o644)
    (tmp_path / "certs/cluster2/cert-chain.pem").unlink()
    result = certs(tmp_path, "verify")
    assert result.returncode == 1
    assert "cluster1/ca-key.pem: has mode 0644, expected 0600" in result.stderr + result.stdout
    assert "cluster2/cert-chain.pem" in result.stderr + result.stdout


def test_json_never_holds_a_key(tmp_path: Path) -> None:
    made(tmp_path)
    result = certs(tmp_path, "show", "-o", "json")
    assert json.loads(result.stdout)
    assert "PRIVATE" not in result.stdout


def test_rotating_an_unknown_cluster_is_refused(tmp_path: Path) -> None:
    made(tmp_path)
    result = certs(tmp_path, "rotate", "cluster9")
    assert result.returncode == 2
    assert "cluster9" in result.stderr
    assert "Traceback" not in result.stderr
