"""Text files of a host."""

from __future__ import annotations

import shlex

from pyinfra.api import FactBase

_MARK = "meshctl-file-exists"


class TextFile(FactBase[str | None]):
    """The content of a small text file, or None if it doesn't exist."""

    def command(self, path: str) -> str:
        """Print a mark, then the file; nothing if there is none."""
        quoted = shlex.quote(path)
        # The closing mark keeps trailing newlines from being lost.
        return f"if [ -f {quoted} ]; then echo {_MARK}; cat {quoted}; echo {_MARK}; fi"

    def process(self, output: list[str]) -> str | None:
        """The text between the marks."""
        if len(output) < 2 or output[0] != _MARK:
            return None
        if output[-1] == _MARK:
            lines = output[1:-1]
            return "".join(f"{line}\n" for line in lines)
        return "".join(f"{line}\n" for line in output[1:]).removesuffix(f"{_MARK}\n")


class Systemd(FactBase[bool]):
    """Whether systemd runs as the host's init (sd_booted(3))."""

    def command(self) -> str:
        """Print `yes` or nothing."""
        return "if [ -d /run/systemd/system ]; then echo yes; fi"

    @staticmethod
    def default() -> bool:
        """No systemd."""
        return False

    def process(self, output: list[str]) -> bool:
        """True if the folder exists that only systemd makes."""
        return output == ["yes"]
