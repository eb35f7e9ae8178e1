"""systemd units of a host; a host without systemd has none and needs none."""

from __future__ import annotations

import shlex
from collections.abc import Generator

from pyinfra import host
from pyinfra.api import operation

from meshctl.facts.files import Systemd, TextFile
from meshctl.operations.change import Change

FOLDER = "/etc/systemd/system"


@operation()
def enabled(unit: str, content: str) -> Generator[Change, None, None]:
    """
    A unit has this content and is enabled, where the host has systemd.

    + unit: file name, such as meshctl-routes.service
    + content: text of the unit file
    """
    if not host.get_fact(Systemd):
        host.noop("the host has no systemd")
        return
    path = f"{FOLDER}/{unit}"
    live = host.get_fact(TextFile, path=path)
    if live == content:
        host.noop(f"{unit} is as wanted")
        return
    sign = "+" if live is None else "~"
    yield Change(
        f"printf %s {shlex.quote(content)} > {path} && systemctl daemon-reload && systemctl enable {unit}",
        f"{sign} file {path}",
    )


@operation()
def absent(unit: str) -> Generator[Change, None, None]:
    """
    A unit is disabled and gone.

    + unit: file name
    """
    path = f"{FOLDER}/{unit}"
    if host.get_fact(TextFile, path=path) is None:
        host.noop(f"{unit} is not there")
        return
    yield Change(f"systemctl disable {unit}; rm -f {path} && systemctl daemon-reload", f"- file {path}")
