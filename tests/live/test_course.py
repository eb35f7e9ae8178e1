"""docs/course.md: the course's own commands, typed one after the other, answer as the page shows.

`MESHCTL_ACCEPT=1` writes the page anew.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.live.machine import REPOSITORY, Machine
from tests.live.test_up import meshctl

pytestmark = pytest.mark.live

PAGE = REPOSITORY / "docs/course.md"
# What differs from one run to the next, and how the page shows it.
VOLATILE = (
    (r"\b\d+(?:\.\d+)?(?:ms|s|m|h|d)\b(?:\d+s)?", "4s"),
    (r"10\.(68|69|70)\.\d+\.\d+", r"10.\1.0.7"),
    (r":3[0-2]\d{3}/TCP", ":30007/TCP"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "11111111-2222-3333-4444-555555555555"),
    # kubectl 1.33 names the namespace.
    (r"deleted from \S+ namespace$", "deleted"),
    (r"[ \t]+", " "),
    (r" +$", ""),
)
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_courses_commands_work_one_after_the_other(machine: Machine, tmp_path: Path) -> None:
    meshctl(machine, "up")
    meshctl(machine, "kubeconfig", "-o", str(tmp_path / "kubeconfig"))
    meshctl(machine, "certs", "init", "--dir", str(tmp_path / "certs"), "--key-type", "ec-p256")
    meshctl(machine, "render", "-o", str(tmp_path / "rendered"))
    page = PAGE.read_text()
    played = BLOCK.sub(lambda block: f"```console\n{_play(machine, tmp_path, block[1])}```", page)
    if os.environ.get("MESHCTL_ACCEPT"):
        PAGE.write_text(played)
    assert _stable(played) == _stable(page)


def _play(machine: Machine, folder: Path, block: str) -> str:
    lines = re.findall(r"^\$ (.*(?:(?<=\\)\n.*)*)", block, re.MULTILINE)
    return "".join(f"$ {line}\n{_type(machine, folder, line)}" for line in lines)


def _type(machine: Machine, folder: Path, line: str) -> str:
    """What a terminal shows for a line, in a folder with `certs` and `rendered` in it."""
    settings = f"export KUBECONFIG={folder}/kubeconfig KUBE_EDITOR='sed -i s/192.168.229.101/192.168.229.111/'"
    with machine.start("sh", "-c", f"cd {folder}; {settings}\n{line}", stdout=-1, stderr=subprocess.STDOUT) as shell:
        return shell.communicate(timeout=60)[0]


def _stable(text: str) -> list[str]:
    for pattern, shown in VOLATILE:
        text = re.sub(pattern, shown, text, flags=re.MULTILINE)
    return text.splitlines()
