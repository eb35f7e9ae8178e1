"""What istiod's webhook finds in an object: errors and warnings, and how it joins them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Problem:
    """One finding; a `listed` error is written as a list even when it is the only one."""

    text: str
    warning: bool = False
    listed: bool = False


Problems = Iterator[Problem]


def error(text: str) -> Problem:
    """An error."""
    return Problem(text)


def listed(text: str) -> Problem:
    """An error that Istio puts into a list of its own."""
    return Problem(text, listed=True)


def warning(text: str) -> Problem:
    """A warning."""
    return Problem(text, warning=True)


def errors_of(problems: Iterable[Problem]) -> Problems:
    """The errors alone: where Istio passes a plain error on, warnings get lost."""
    return (problem for problem in problems if not problem.warning)


def prefixed(problems: Iterable[Problem], prefix: str) -> Problems:
    """The errors with a prefix, the warnings as they are."""
    for problem in problems:
        yield problem if problem.warning else replace(problem, text=f"{prefix} {problem.text}")


def joined(problems: Sequence[Problem]) -> str:
    """Errors as one message (hashicorp/go-multierror)."""
    if len(problems) == 1 and not problems[0].listed:
        return problems[0].text
    count = "1 error" if len(problems) == 1 else f"{len(problems)} errors"
    points = "\n\t".join(f"* {problem.text}" for problem in problems)
    return f"{count} occurred:\n\t{points}\n\n"
