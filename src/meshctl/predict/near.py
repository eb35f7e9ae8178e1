"""Did you mean: what a person probably meant by a word that is none."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MANY = 12


def near(word: str, known: Iterable[str]) -> str:
    """` did you mean X?`; empty if nothing is close."""
    found = difflib.get_close_matches(word, list(known), 1)
    return f" did you mean {found[0]}?" if found else ""


def one_of(known: Iterable[str]) -> str:
    """The words to choose from, not too many of them."""
    words = list(known)
    return ", ".join(words) if len(words) <= MANY else f"{', '.join(words[:MANY])} and {len(words) - MANY} more"
