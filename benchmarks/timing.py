"""Commands timed as whole processes, taking turns so that a busy machine slows all of them alike."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from statistics import median

MESHCTL = (sys.executable, "-m", "meshctl")


def command(*arguments: str) -> None:
    """Run a command to its end without a word; CalledProcessError if it fails."""
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def take_turns(ways: Mapping[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each way in each round."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            begin = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - begin)
    return seconds


def show(title: str, seconds: Mapping[str, list[float]], targets: Mapping[str, float] | None = None) -> None:
    """Print median, range and, where there is one, the target in seconds."""
    print(title)
    for name, values in seconds.items():
        target = (targets or {}).get(name)
        goal = f"   target {target:g} s" if target else ""
        print(f"  {name:<44} {median(values):6.2f} s  ({min(values):.2f} to {max(values):.2f}){goal}")
