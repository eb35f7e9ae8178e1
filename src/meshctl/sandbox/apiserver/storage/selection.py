"""Which rows a list wants, as conditions of the store's table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Selection:
    """SQL conditions over `key`, `labels` and `data`, and their parameters in order."""

    clauses: tuple[str, ...] = ()
    parameters: tuple[object, ...] = ()

    def __add__(self, other: Selection) -> Selection:
        return Selection(self.clauses + other.clauses, self.parameters + other.parameters)

    def __bool__(self) -> bool:
        return bool(self.clauses)


EVERYTHING = Selection()
