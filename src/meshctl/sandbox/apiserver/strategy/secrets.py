"""Secrets: stringData is written into data."""

from __future__ import annotations

from base64 import b64encode

from meshctl.sandbox.apiserver.strategy.strategy import Object


def merge_string_data(obj: Object) -> None:
    """Move stringData into data; it happens when the object is decoded."""
    given = obj.pop("stringData", None)
    if isinstance(given, dict) and given:
        encoded = {key: b64encode(str(value).encode()).decode() for key, value in given.items()}
        obj["data"] = (obj.get("data") or {}) | encoded
