"""A command that knows what it changes."""

from __future__ import annotations

from typing import Any

from pyinfra.api import StringCommand


class Change(StringCommand):
    """A shell command with the lines that `plan` shows for it: `- before`, `+ after`."""

    def __init__(self, command: str, *diff: str, **arguments: Any) -> None:
        super().__init__(command, **arguments)
        self.diff = diff
