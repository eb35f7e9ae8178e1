"""A classroom's life below the mesh, timed: up from nothing, up again, plan, down."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.timing import MESHCTL, command, show, take_turns
from meshctl.provision import STEPS

TARGETS = {"up from nothing": 9.0, "second up": 4.0, "plan": 4.0, "down": 3.0}


def run(rounds: int = 5) -> None:
    """Print medians for hosts, routes and what the API servers hold before istiod starts."""
    with state_folder():
        seconds = lifecycle(["--preset", "classroom"], rounds, STEPS[: STEPS.index("istio")])
        show("the classroom without its mesh", seconds, TARGETS)


@contextmanager
def state_folder() -> Iterator[Path]:
    """A folder for the state of sandboxes, seen by every command, and taken away afterwards."""
    before = os.environ.get("XDG_STATE_HOME")
    with tempfile.TemporaryDirectory() as home:
        os.environ["XDG_STATE_HOME"] = home
        try:
            yield Path(home)
        finally:
            os.environ.pop("XDG_STATE_HOME")
            if before is not None:
                os.environ["XDG_STATE_HOME"] = before


def lifecycle(where: Sequence[str], rounds: int, only: Sequence[str] = ()) -> dict[str, list[float]]:
    """Seconds of each command on the topology that the options `where` name; `only` limits the steps."""
    steps = [word for step in only for word in ("--only", step)]
    ways: dict[str, Callable[[], None]] = {
        "up from nothing": lambda: command(*MESHCTL, "up", *where, *steps),
        "second up": lambda: command(*MESHCTL, "up", *where, *steps),
        "plan": lambda: command(*MESHCTL, "plan", *where, *steps),
        "down": lambda: command(*MESHCTL, "down", *where),
    }
    return take_turns(ways, rounds)
