"""Go's own words, where Kubernetes passes them on."""

from __future__ import annotations

import json

NAMES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "bool"),
    ((int, float), "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)


def parse_int_error(text: str, function: str = "ParseInt") -> str:
    """The error of strconv.ParseInt and ParseUint."""
    return f"strconv.{function}: parsing {json.dumps(text, ensure_ascii=False)}: invalid syntax"


def summary(data: bytes) -> str:
    """The beginning of a body: as text if it looks like JSON, else in hexadecimal."""
    if not data:
        return "<empty>"
    more = " ..." if len(data) > 30 else ""
    return data[:30].decode(errors="replace") + more if data[:1] == b"{" else data[:30].hex() + more


def json_kind(value: object) -> str:
    """What encoding/json calls a value."""
    return next((name for kind, name in NAMES if isinstance(value, kind)), "null")
