"""How long a person waits: help, rendering, and how rendering grows."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import topologies
from benchmarks.timing import MESHCTL, command, show, take_turns

TARGETS = {"meshctl --help": 0.25, "render of the classroom": 0.6, "predict of the classroom": 0.6}


def run(rounds: int = 11) -> None:
    """Print medians of whole processes."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        ways = {
            "meshctl --help": lambda: command(*MESHCTL, "--help"),
            "render of the classroom": lambda: command(*MESHCTL, "render", "--preset", "classroom", "-o", "-"),
            "predict of the classroom": lambda: command(*MESHCTL, "predict", "--preset", "classroom"),
        }
        show("whole processes", take_turns(ways, rounds), TARGETS)
        grown = {}
        for clusters in (75, 150, 300):
            file = out / f"{clusters}.yaml"
            file.write_text(topologies.text(clusters, 3), encoding="utf-8")
            grown[f"render of {clusters} clusters"] = _render(str(file))
        show("growth", take_turns(grown, 3))


def _render(file: str) -> Callable[[], None]:
    return lambda: command(*MESHCTL, "render", "-f", file, "-o", "-")
