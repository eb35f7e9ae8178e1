"""Conversations with kube-apiserver 1.36: what is said, and what the original answered."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parents[3] / "golden" / "kubectl" / "conversations.json.gz"

Step = Mapping[str, Any]


@cache
def _golden() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = json.loads(gzip.decompress(GOLDEN.read_bytes()))
    return loaded


def case(name: str) -> Mapping[str, Any]:
    """What to do: namespaces, files, steps."""
    found: Mapping[str, Any] = _golden()["cases"][name]
    return found


def recorded(client: str, name: str) -> list[Step]:
    """The original's answers, step by step; `client` is `http`, `kubectl-1.20` or `kubectl-1.33`."""
    found: list[Step] = _golden()["recorded"][client][name]
    return found


def names(client: str) -> list[str]:
    """The cases recorded with a client."""
    return list(_golden()["recorded"][client])
