"""What can go wrong, as exceptions that the command line prints without a traceback.

MeshctlError
├── Refused        the answer is no: exit code 1
└── UsageError     bad input or environment: exit code 2
    └── InvalidInput   several problems in one document, reported together
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class MeshctlError(Exception):
    """An error that names the object, what was seen, what was expected and what to do."""

    exit_code = 2


class Refused(MeshctlError):
    """The command worked and its answer is no."""

    exit_code = 1


class UsageError(MeshctlError):
    """The input or the environment does not allow the command."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault of a document: its 1-based line (0: none), the object's path, and what is wrong and allowed."""

    line: int
    where: str
    message: str

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.where}: {self.message}" if self.where else f"{place}{self.message}"


class InvalidInput(UsageError):
    """All problems of one document."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = tuple(sorted(problems))
        super().__init__(
            "\n".join(
                f"{source}:{problem.line}: {problem.where}: {problem.message}"
                if problem.where
                else f"{source}:{problem.line}: {problem.message}"
                for problem in self.problems
            )
        )
