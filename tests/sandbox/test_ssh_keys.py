"""Keys are private from their first byte, whole, and only those of nodes that exist."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from meshctl.sandbox import ssh_keys
from meshctl.sandbox.paths import Paths

ADDRESSES = {"n1": "192.0.2.1", "n2": "192.0.2.2"}


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Paths]:
    before = os.umask(0)
    files = Paths(tmp_path / "mesh ctl" / "100%")
    files.make()
    ssh_keys.ensure(files, ADDRESSES, tmp_path)
    yield files
    os.umask(before)


def test_everything_is_its_owners_alone_under_any_umask(files: Paths) -> None:
    for path in [files.folder, *files.folder.rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_openssh_reads_the_keys(files: Paths) -> None:
    for key in (files.user_key, files.host_key("n1")):
        public = subprocess.run(["ssh-keygen", "-y", "-f", key], capture_output=True, text=True, check=True).stdout
        assert public.split()[:2] == ssh_keys.public_key(key).split()


def test_known_hosts_lists_each_node_by_name_and_address(files: Paths) -> None:
    for place in (*ADDRESSES, *ADDRESSES.values()):
        found = subprocess.run(["ssh-keygen", "-F", place, "-f", files.known_hosts], capture_output=True, text=True)
        node = place if place in ADDRESSES else next(node for node in ADDRESSES if ADDRESSES[node] == place)
        assert ssh_keys.public_key(files.host_key(node)) in found.stdout


def test_openssh_reads_the_configuration(files: Paths) -> None:
    text = subprocess.run(
        ["ssh", "-G", "-F", files.ssh_config, "n2"], capture_output=True, text=True, check=True
    ).stdout
    settings = dict(line.partition(" ")[::2] for line in text.splitlines())
    assert settings["hostname"] == "192.0.2.2"
    assert settings["user"] == "root"
    assert settings["stricthostkeychecking"] == "true"
    assert settings["identityfile"] == str(files.user_key).replace("%", "%%")
    assert settings["userknownhostsfile"].replace("%%", "%") == str(files.known_hosts)


def test_keys_stay_what_they_are(files: Paths, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in files.folder.rglob("*ed25519*")}
    before |= {path: path.read_bytes() for path in files.host_key("n1").parent.iterdir()}
    ssh_keys.ensure(files, ADDRESSES, tmp_path)
    assert {path: path.read_bytes() for path in before} == before


def test_an_interrupted_pair_is_made_anew_and_a_gone_nodes_is_dropped(files: Paths, tmp_path: Path) -> None:
    pair = files.host_key("n1").with_suffix(".pub")
    pair.unlink()
    (files.host_key("n1").parent / ".n1.new").write_text("half")
    before = files.host_key("n1").read_text()
    ssh_keys.ensure(files, {"n1": "192.0.2.1"}, tmp_path)
    assert files.host_key("n1").read_text() != before
    assert sorted(path.name for path in pair.parent.iterdir()) == ["n1", "n1.pub"]
    assert "n2" not in files.known_hosts.read_text()
