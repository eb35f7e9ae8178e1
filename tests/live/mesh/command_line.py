"""What a person types on a test's machine, and looks at again until it is so."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

from tests.live.machine import Machine
from tests.live.test_up import command

SECONDS, AWAITED_SECONDS, PAGES = 1200, 40, 20


def meshctl(machine: Machine, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command that may fail, and may take long."""
    with machine.start(*command(*arguments), stdout=-1, stderr=-1) as process:
        out, err = process.communicate(timeout=SECONDS)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def told(machine: Machine, *arguments: str) -> dict[str, Any]:
    """What a command that succeeds tells as JSON."""
    ended = meshctl(machine, *arguments, "-o", "json")
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def url(machine: Machine) -> str:
    """Of the page, on the machine."""
    return next(word for word in meshctl(machine, "open").stdout.split() if word.startswith("http://"))


def pages(machine: Machine, page: str) -> list[str]:
    """The status of each of some requests for a page, which ask no API server."""
    ask = f"curl -s -o /dev/null -w '%{{http_code}} ' {page}"
    return machine.run("sh", "-c", f"for n in $(seq {PAGES}); do {ask}; done", check=False).stdout.split()


def await_(holds: Callable[[], bool]) -> None:
    """Ask until it holds; each question runs a command, which paces the loop."""
    end = time.monotonic() + AWAITED_SECONDS
    while not holds():
        assert time.monotonic() < end, f"not so within {AWAITED_SECONDS} s"
