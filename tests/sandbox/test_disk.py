"""What of a machine's root is on a host's disk."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from meshctl.sandbox import disk

pytestmark = pytest.mark.live  # whiteouts and trusted attributes need root


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A root file system with secrets."""
    root = tmp_path / "machine"
    for path in (
        "usr/bin/tool",
        "etc/passwd",
        "srv/data",
        "var/lib/dpkg/status",
        "var/lib/db/file",
        "farm/x",
        "root/.ssh/id",
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    for path in ("etc/shadow", "etc/ssl/private/key", "etc/wireguard/wg0.conf"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("secret")
        (root / path).chmod(0o600)
    (root / "etc/ssl/private").chmod(0o700)
    (root / "bin").symlink_to("usr/bin")
    (root / "var/run").symlink_to("/run")
    return root


@pytest.fixture
def upper(machine: Path) -> Path:
    """The layer over it, prepared twice: the second time is a reboot."""
    upper = machine.parent / "upper"
    upper.mkdir()
    for _ in range(2):
        disk.prepare(upper, disk.private_settings(machine), {"etc/shadow": (0o640, "root:*")}, machine)
    return upper


def hidden(path: Path) -> bool:
    return stat.S_ISCHR(path.lstat().st_mode) and path.lstat().st_rdev == 0


def test_what_others_may_not_read_is_private(machine: Path) -> None:
    assert sorted(disk.private_settings(machine)) == ["etc/shadow", "etc/ssl/private", "etc/wireguard/wg0.conf"]


def test_private_settings_and_unknown_folders_are_hidden(upper: Path) -> None:
    for path in ("farm", "var/lib/db", "etc/ssl/private", "etc/wireguard/wg0.conf"):
        assert hidden(upper / path), path


def test_programs_settings_and_links_are_left_to_show_through(upper: Path) -> None:
    for path in ("usr", "bin", "etc/passwd", "var/lib/dpkg", "var/run"):
        assert not os.path.lexists(upper / path), path


def test_the_hosts_own_folders_replace_the_machines(upper: Path) -> None:
    for path in ("root", "srv", "tmp", "var/log"):
        assert os.getxattr(upper / path, "trusted.overlay.opaque") == b"y"
    assert (upper / "root").stat().st_mode & 0o777 == 0o700
    assert (upper / "tmp").stat().st_mode & 0o7777 == 0o1777
    assert (upper / "etc/shadow").read_text() == "root:*"
    assert (upper / "etc/shadow").stat().st_mode & 0o777 == 0o640


def test_links_that_a_host_put_in_the_way_lead_nowhere(machine: Path, upper: Path) -> None:
    victim = machine / "srv/data"
    (upper / "etc/shadow").unlink()
    (upper / "etc/shadow").symlink_to(victim)
    disk.prepare(upper, (), {"etc/shadow": (0o640, "root:*")}, machine)
    assert victim.read_text() == "srv/data"
    assert not (upper / "etc/shadow").is_symlink()
