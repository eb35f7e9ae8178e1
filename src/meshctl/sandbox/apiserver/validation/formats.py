"""The string formats that a schema can ask for."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import date, datetime
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any
from urllib.parse import urlsplit

from meshctl.sandbox.apiserver.validation.golang import parse_duration

_UUID = r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"
_MOMENT = r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:?\d\d)"
_HOST = (
    r"(?=.{1,253}$)[a-zA-Z0-9](?:[-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?)*"
)


def fits_format(name: str, text: str) -> bool:
    """Whether a text has the format; formats without a meaning fit everything."""
    check = _FORMATS.get(name.replace("-", ""))
    if check is None:
        return True
    try:
        return check(text) is not False
    except (ValueError, binascii.Error):
        return False


def _like(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.fullmatch(pattern, text) is not None


def _moment(text: str) -> Any:
    return _like(_MOMENT)(text) and datetime.fromisoformat(text.upper()) is not None


_FORMATS: dict[str, Callable[[str], Any]] = {
    "byte": lambda text: base64.b64decode(text, validate=True),
    "cidr": lambda text: "/" in text and ip_network(text, strict=False),
    "date": date.fromisoformat,
    "datetime": _moment,
    "duration": parse_duration,
    "email": _like(r"[^@\s]+@[^@\s]+"),
    "hostname": _like(_HOST),
    "ipv4": IPv4Address,
    "ipv6": IPv6Address,
    "mac": _like(r"[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){5}"),
    "uri": lambda text: bool(urlsplit(text).scheme or text.startswith("/")),
    "uuid": _like(f"(?i:{_UUID})"),
}
