"""Kernel settings of a host."""

from __future__ import annotations

import shlex

from pyinfra.api import FactBase


class Sysctls(FactBase[dict[str, str]]):
    """The value of each key that the host's kernel knows, read from /proc/sys (no `sysctl` program is needed)."""

    def command(self, keys: list[str]) -> str:
        """Print `key=value` lines."""
        names = " ".join(shlex.quote(key) for key in keys)
        return f'for k in {names}; do f=/proc/sys/$(echo "$k" | tr . /); [ -r $f ] && echo "$k=$(cat $f)"; done; true'

    @staticmethod
    def default() -> dict[str, str]:
        """A kernel that knows none of them."""
        return {}

    def process(self, output: list[str]) -> dict[str, str]:
        """Values by key, white space folded."""
        pairs = (line.split("=", 1) for line in output if "=" in line)
        return {key: " ".join(value.split()) for key, value in pairs}
