"""Generated names: k8s.io/apiserver/pkg/storage/names."""

from __future__ import annotations

from random import Random

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
LENGTH = 5
LONGEST = 63


def suffix(source: Random) -> str:
    """Five characters that spell no word."""
    return "".join(source.choice(ALPHABET) for _ in range(LENGTH))


def generated(prefix: str, source: Random) -> str:
    """A name that begins with the prefix, at most 63 characters long."""
    return prefix[: LONGEST - LENGTH] + suffix(source)
