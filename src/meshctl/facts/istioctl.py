"""istioctl on a control-plane node."""

from __future__ import annotations

import shlex

from pyinfra.api import FactBase


class Istioctl(FactBase[str | None]):
    """Where istioctl is, or None."""

    def command(self) -> str:
        """Print its path, or nothing."""
        return "command -v istioctl || true"

    def process(self, output: list[str]) -> str | None:
        """The path."""
        return output[0].strip() if output else None


class Applied(FactBase[bool]):
    """Whether the node's cluster has all that an IstioOperator file asks for, as `kubectl diff` sees it."""

    def command(self, file: str) -> str:
        """Print `yes` or nothing; a cluster that can't be asked has nothing of it."""
        return (
            f"istioctl manifest generate -f {shlex.quote(file)} | kubectl diff -f - >/dev/null 2>&1 && echo yes || true"
        )

    @staticmethod
    def default() -> bool:
        """Nothing of it."""
        return False

    def process(self, output: list[str]) -> bool:
        """Whether it said so."""
        return output[-1:] == ["yes"]
