"""`meshctl` as a person types it on a test's machine."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.live.machine import Machine
from tests.live.test_up import command

SECONDS = 1200


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
