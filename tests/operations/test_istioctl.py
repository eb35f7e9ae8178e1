"""What is asked of a node with istioctl, and how its answers are read; run by a real shell."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from meshctl.facts.istioctl import Applied, Istioctl

FILE = "/etc/meshctl/istio/control plane.yaml"


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def told(folder: Path, command: str) -> list[str]:
    path = f"{folder}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", command], env={"PATH": path}, text=True, capture_output=True, check=True
    ).stdout.splitlines()


def test_istioctl_is_found_on_the_path(tmp_path: Path) -> None:
    program(tmp_path, "istioctl", "true")
    assert Istioctl().process(told(tmp_path, Istioctl().command())) == str(tmp_path / "istioctl")


def test_a_node_without_istioctl_is_no_fault_yet() -> None:
    assert Istioctl().process(told(Path("/nonexistent"), "PATH=/nonexistent; command -v istioctl || true")) is None


@pytest.mark.parametrize(("status", "same"), [(0, True), (1, False), (2, False)])
def test_a_file_is_applied_if_kubectl_sees_no_difference(tmp_path: Path, status: int, same: bool) -> None:
    program(tmp_path, "istioctl", f'[ "$4" = "{FILE}" ] && echo "kind: Service"')
    program(tmp_path, "kubectl", f'[ "$(cat)" = "kind: Service" ] || exit 3\necho differences; exit {status}')
    assert Applied().process(told(tmp_path, Applied().command(FILE))) is same
