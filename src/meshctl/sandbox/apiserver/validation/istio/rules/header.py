"""Rules of HTTP headers: names, values, operations."""

from __future__ import annotations

import re

from meshctl.sandbox.apiserver.validation.golang import quote
from meshctl.sandbox.apiserver.validation.istio.decoding import Record
from meshctl.sandbox.apiserver.validation.istio.problem import Problems, error

_NAME = r"[!#$%&'*+\-.^_`|~A-Za-z0-9]+"
_PSEUDO = frozenset({":method", ":scheme", ":authority", ":path", ":status"})
_CLAIMS = "@request.auth.claims"
_BAD = "invalid header configuration."


def is_claim(name: str) -> bool:
    """Whether a header's name stands for a claim of a JWT."""
    if not name.lower().startswith(_CLAIMS):
        return False
    rest = name[len(_CLAIMS) :]
    return (rest.startswith(".") and len(rest) > 1) or (rest[:1] == "[" and rest[-1:] == "]" and len(rest) > 2)


def is_authority(name: str) -> bool:
    """Whether a header names the authority."""
    return name.lower() in (":authority", "host")


def match_name(name: str) -> Problems:
    """The name of a header to match."""
    if not name:
        yield error("header name cannot be empty")
    elif not is_claim(name) and name not in _PSEUDO and not re.fullmatch(_NAME, name):
        yield error(f"header name {name} is not a valid header name")


def cors_name(name: str) -> Problems:
    """The name of a header in a CORS policy."""
    if not name:
        yield error("header name cannot be empty")
    elif name != "*" and not re.fullmatch(_NAME, name):
        yield error(f"header name {name} is not a valid header name")


def strict_name(name: str) -> Problems:
    """The name of a header that a claim is copied to."""
    if not name:
        yield error("header name cannot be empty")
    elif not re.fullmatch(r"[-_A-Za-z0-9]+", name):
        yield error(f"header name {name} is not a valid header name")


def operations(headers: Record | None) -> Problems:
    """What is set, added and removed in requests and responses."""
    if headers is None:
        return
    for part, authority in ((headers.request, True), (headers.response, False)):
        if part is not None:
            yield from _operations(part, authority)


def _operations(part: Record, authority: bool) -> Problems:
    for entries in (part.add, part.set):
        for name, value in entries.items():
            yield from _with_authority(name) if authority else _operation(name)
            yield from _value(value)
    for name in part.remove:
        yield from _operation(name)


def _with_authority(name: str) -> Problems:
    if not name:
        yield error("header name cannot be empty")
    elif name.startswith(":") and not is_authority(name):
        yield error(f'invalid header {quote(name)}: header cannot have ":" prefix')


def _operation(name: str) -> Problems:
    if not name:
        yield error("header name cannot be empty")
    elif name.lower() == "host":
        yield error(f"invalid header {quote(name)}: cannot set Host header")
    elif name.startswith(":"):
        yield error(f'invalid header {quote(name)}: header cannot have ":" prefix')


def _value(value: str) -> Problems:
    if not re.fullmatch("[^\x00-\x08\x0a-\x1f\x7f]*", value):
        yield error(f"header value configuration {value} is invalid")
        return
    wrong = _format_fault(value)
    if wrong:
        yield error(f"header value configuration: {wrong}")


def _format_fault(value: str) -> str | None:
    """What is wrong with the %VARIABLE% and %VARIABLE(arguments)% in a value, as Envoy parses them."""
    rest = value
    while "%" in rest:
        rest = rest[rest.index("%") + 1 :]
        if not rest:
            return f"{_BAD} Un-escaped %"
        if rest.startswith("%"):
            rest = rest[1:]
            continue
        name = re.match(r"[^%(]*", rest)
        rest = rest[name.end() if name else 0 :]
        if rest.startswith("("):
            wrong, rest = _arguments(rest[1:])
            if wrong:
                return wrong
        elif rest.startswith("%"):
            rest = rest[1:]
            continue
        if rest is None or not rest.startswith("%"):
            return f"{_BAD} Un-terminated variable expression '{value}'"
        rest = rest[1:]
    return None


def _arguments(text: str) -> tuple[str | None, str]:
    """A fault, or what follows the arguments up to the closing percent sign."""
    body = text.lstrip(" ")
    if not body.startswith("["):
        return _plain_argument(body)
    found = re.match(r'\[ *"(?:\\.|[^"\\)])*" *(?:, *"(?:\\.|[^"\\)])*" *)*\] *\) *', body)
    if found:
        rest = body[found.end() :]
        return (f"{_BAD} Expecting '%' or whitespace after", "") if rest and rest[0] != "%" else (None, rest)
    return _list_fault(body[1:]), ""


def _plain_argument(body: str) -> tuple[str | None, str]:
    found = re.match(r"(?:\\.|[^\\)])*\) *", body)
    if found is None:
        return None, ""
    rest = body[found.end() :]
    return (f"{_BAD} Expecting '%' or whitespace after", "") if rest and rest[0] != "%" else (None, rest)


def _list_fault(text: str) -> str | None:
    strings = re.sub(r'"(?:\\.|[^"\\])*"', "s", text)
    if re.match(r" *(?:s *, *)*[^s ]", strings):
        return f"{_BAD} Expecting '\"'"
    if re.match(r" *s(?: *, *s)* *[^s, \]]", strings):
        return f"{_BAD} Expecting ',', ']', or whitespace"
    if re.match(r" *s(?: *, *s)* *\] *[^) ]", strings):
        return f"{_BAD} Expecting ')' or whitespace after '{{}}', but found '{{}}'"
    return None
