"""Who is signed in, kept in a cookie. There is no password, so there is nothing to protect."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping

COOKIE = "session"
MAX_NAME = 64


def user_of(headers: Mapping[str, str]) -> str:
    """The user that a request's cookies name, empty for nobody."""
    for part in headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return _decoded(value)
    return ""


def _decoded(value: str) -> str:
    try:
        session = json.loads(base64.urlsafe_b64decode(value.strip('"')))
    except (ValueError, binascii.Error, RecursionError):
        return ""
    user = session.get("user", "") if isinstance(session, dict) else ""
    return printable(user) if isinstance(user, str) else ""


def printable(user: str) -> str:
    """The name as a header can carry it."""
    return "".join(char for char in user if " " <= char <= "~")[:MAX_NAME].strip()


def signing_in(user: str) -> str:
    """The Set-Cookie value that signs the user in."""
    value = base64.urlsafe_b64encode(json.dumps({"user": printable(user)}).encode()).decode()
    return f"{COOKIE}={value}; HttpOnly; Path=/"


def signing_out() -> str:
    return f"{COOKIE}=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Path=/"
