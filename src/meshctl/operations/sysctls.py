"""Kernel settings of a host, kept over a reboot and put back on teardown."""

from __future__ import annotations

import re
import shlex
from collections.abc import Generator, Mapping

from pyinfra import host
from pyinfra.api import operation

from meshctl.facts.files import TextFile
from meshctl.facts.sysctls import Sysctls
from meshctl.operations.change import Change

FILE = "/etc/sysctl.d/90-meshctl.conf"
HEADER = "# Written by meshctl; `was` is what `meshctl down` puts back."


@operation()
def settings(values: Mapping[str, str]) -> Generator[Change, None, None]:
    """
    Kernel settings have these values, now and after a reboot.

    + values: sysctl keys and their values
    """
    live = host.get_fact(Sysctls, keys=list(values))
    file = host.get_fact(TextFile, path=FILE)
    changes = differences(live, file, values)
    if not changes:
        host.noop("kernel settings are as wanted")
    yield from changes


@operation()
def restored() -> Generator[Change, None, None]:
    """Kernel settings are what they were before `settings`, and its file is gone."""
    file = host.get_fact(TextFile, path=FILE)
    if file is None:
        host.noop("no kernel settings of ours are left")
        return
    before = originals(file)
    live = host.get_fact(Sysctls, keys=list(before)) if before else {}
    for key, value in before.items():
        if key in live and live[key] != value:
            yield _setting(key, live[key], value)
    yield Change(f"rm -f {FILE}", f"- file {FILE}")


def differences(live: Mapping[str, str], file: str | None, wanted: Mapping[str, str]) -> list[Change]:
    """The commands that set what differs; the file is written first, so that the old values are never lost."""
    before = originals(file or "")
    kept = {key: before.get(key, live.get(key, value)) for key, value in wanted.items()}
    changes = []
    content = text(wanted, kept)
    if file != content:
        sign = "+" if file is None else "~"
        changes.append(Change(f"printf %s {shlex.quote(content)} > {FILE}", f"{sign} file {FILE}"))
    changes += [_setting(key, live.get(key), value) for key, value in wanted.items() if live.get(key) != value]
    return changes


def text(wanted: Mapping[str, str], before: Mapping[str, str]) -> str:
    """The sysctl.d file: one `key = value` line each, with the value that was there before."""
    lines = (f"# {key} was {before[key]}\n{key} = {value}\n" for key, value in wanted.items())
    return f"{HEADER}\n{''.join(lines)}"


def originals(file: str) -> dict[str, str]:
    """The values from before, as the file's comments tell them."""
    return dict(re.findall(r"^# (\S+) was (.+)$", file, re.MULTILINE))


def _setting(key: str, before: str | None, value: str) -> Change:
    path = f"/proc/sys/{key.replace('.', '/')}"
    was = (f"- {key} = {before}",) if before is not None else ()
    return Change(f"printf %s {shlex.quote(value)} > {path}", *was, f"+ {key} = {value}")
