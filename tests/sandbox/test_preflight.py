"""A machine that can't hold a sandbox is told why, all at once."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

from meshctl.errors import UsageError
from meshctl.sandbox import preflight


def test_every_reason_is_told_with_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(shutil, "which", lambda program, path: None if program in ("sshd", "nft") else program)
    with pytest.raises(UsageError) as refusal:
        preflight.require()
    assert str(refusal.value).splitlines() == [
        "the sandbox can't be built on this machine:",
        "  - missing programs: nft, sshd; on Debian: apt-get install nftables openssh-server",
        "  - you are not root; namespaces and mounts need it: run it with sudo",
    ]


def test_another_system_is_pointed_to_another_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(UsageError, match="this is darwin; .* use provider vagrant or ssh"):
        preflight.require()


@pytest.mark.live
def test_a_kernel_that_refuses_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "TRIALS", (("false",),))
    with pytest.raises(UsageError, match="the kernel refuses what is needed .*'false'"):
        preflight.require()
