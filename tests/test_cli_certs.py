"""`meshctl certs` as a person types it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from meshctl.pki import issuance
from meshctl.pki.authority import make_intermediate, make_keys, make_root
from meshctl.pki.key_type import KeyType
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


def test_expiry_within_sixty_days_is_warned_of(tmp_path: Path) -> None:
    now, folder = datetime.now(UTC), tmp_path / "certs"
    issuance.complete(folder, ["cluster1", "cluster2", "cluster3"], now - timedelta(days=3600.5), KeyType.EC_P256)
    for command in ("init", "show", "verify"):
        result = certs(tmp_path, command)
        assert result.returncode == 0
        assert "root-cert.pem: 49 days left; `meshctl certs init --force` replaces it" in result.stderr
        assert "cluster1/ca-cert.pem: 49 days left; `meshctl certs init --force` replaces it" in result.stderr


def test_an_intermediate_that_ends_before_its_root_is_worth_rotating(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    keys = make_keys(2, KeyType.EC_P256)
    root = make_root(keys[0], now)
    (tmp_path / "certs/cluster1").mkdir(parents=True)
    (tmp_path / "certs/root-cert.pem").write_bytes(root.certificate)
    ending = make_intermediate(root, "cluster1", keys[1], now - timedelta(days=3600.5))
    (tmp_path / "certs/cluster1/ca-cert.pem").write_bytes(ending.certificate)
    shown = certs(tmp_path, "show").stderr
    assert "cluster1/ca-cert.pem: 49 days left; `meshctl certs rotate cluster1` replaces it" in shown
    assert "root-cert.pem" not in shown


def test_show_names_clusters_without_certificates(tmp_path: Path) -> None:
    made(tmp_path)
    report = json.loads(certs(tmp_path, "show", "--preset", "five-clusters", "-o", "json").stdout)
    assert len(report["certificates"]) == 4
    assert "certs/tokyo: no certificate yet; `meshctl certs init` makes it" in report["warnings"]


def test_problems_as_json(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / "certs/cluster1/notes").touch()
    result = certs(tmp_path, "verify", "-o", "json")
    report = json.loads(result.stdout)
    assert result.returncode == 1
    assert [problem["where"] for problem in report["problems"]] == ["certs/cluster1/notes"]


def test_show_without_certificates_tells_what_makes_them(tmp_path: Path) -> None:
    result = certs(tmp_path, "show")
    assert result.returncode == 2
    assert "certs: holds no certificates; `meshctl certs init` makes them" in result.stderr


@pytest.mark.parametrize("command", ["init", "show", "verify", "rotate"])
def test_help_has_an_example(tmp_path: Path, command: str) -> None:
    assert f"Example: meshctl certs {command}" in certs(tmp_path, command, "--help").stdout


def test_the_command_line_loads_no_cryptography(tmp_path: Path) -> None:
    code = "import sys, meshctl.cli.app; sys.exit('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0
