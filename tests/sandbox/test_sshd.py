"""Settings of sshd by version."""

from __future__ import annotations

import pytest

from meshctl.sandbox import sshd


@pytest.mark.parametrize(
    ("version", "options"),
    [
        ("OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19 27 Jan 2026", ()),
        ("OpenSSH_9.8p1, OpenSSL 3.3.1", ("PerSourcePenalties no",)),
        ("OpenSSH_10.0p2 Debian-7, OpenSSL 3.5.1", ("PerSourcePenalties no",)),
        ("something else", ()),
    ],
)
def test_a_version_that_punishes_failed_logins_is_told_not_to(version: str, options: tuple[str, ...]) -> None:
    assert sshd.options(version) == options
