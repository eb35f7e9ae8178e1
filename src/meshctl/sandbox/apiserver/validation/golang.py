"""How Go writes values into messages, and reads durations and integers."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_STEP = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)")


def quote(text: str) -> str:
    """A string as the verb %q writes it."""
    return json.dumps(text, ensure_ascii=False)


def as_json(value: Any) -> str:
    """A value as encoding/json writes it: no blanks, keys sorted."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def shown(value: Any) -> str:
    """A value as the verb %v writes it; lists as [a b]."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{' '.join(shown(each) for each in value)}]"
    return str(value)


def number(value: float) -> str:
    """A float as the verb %v writes it."""
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    return repr(value)


def parse_duration(text: str) -> int:
    """Nanoseconds of a duration such as `1m30.5s`; a ValueError speaks as Go's time package does."""
    rest = text[1:] if text[:1] in ("+", "-") else text
    sign = -1 if text[:1] == "-" else 1
    if rest == "0":
        return 0
    if not rest:
        raise ValueError(f"time: invalid duration {quote(text)}")
    total = 0
    while rest:
        step, rest = _duration_step(text, rest)
        total += step
    if total >= 2**63:
        raise ValueError(f"time: invalid duration {quote(text)}")
    return sign * total


def _duration_step(text: str, rest: str) -> tuple[int, str]:
    found = _STEP.match(rest)
    whole, fraction, unit = found.groups() if found else ("", None, "")
    if not (whole or fraction):
        raise ValueError(f"time: invalid duration {quote(text)}")
    if not unit:
        raise ValueError(f"time: missing unit in duration {quote(text)}")
    if unit not in NANOSECONDS:
        raise ValueError(f"time: unknown unit {quote(unit)} in duration {quote(text)}")
    scale = NANOSECONDS[unit]
    part = int(fraction) * scale // 10 ** len(fraction) if fraction else 0
    return int(whole or "0") * scale + part, rest[found.end() if found else 0 :]
