"""The answers of a real API server and of istiod's webhook to 409 Istio objects."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

_GOLDEN = Path(__file__).parents[3] / "golden" / "validation"


@cache
def golden(name: str) -> Any:
    return json.loads(gzip.decompress((_GOLDEN / f"{name}.json.gz").read_bytes()))


def verdicts() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = golden("verdicts")
    return found


def texts(recorded: dict[str, Any]) -> list[str | None]:
    """The message, or all that were seen where the original throws dice."""
    return recorded.get("messageVariants") or [recorded.get("message")]
