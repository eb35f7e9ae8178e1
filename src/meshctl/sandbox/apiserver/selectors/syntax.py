"""Label selector text into tokens and requirements, with the errors of k8s.io/apimachinery/pkg/labels."""

from __future__ import annotations

import re
from collections.abc import Iterator

SYMBOLS = frozenset("=!(),<>")
OPERATORS = ("in", "notin", "=", "==", "!=", "gt", "lt")
SPELLINGS = {"=": "=", "==": "=", "!=": "!=", ">": "gt", "<": "lt", "in": "in", "notin": "notin"}
_TOKEN = re.compile(r"\s*(==|!=|[=!(),<>]|[^\s=!(),<>]+)")

Term = tuple[str, str, tuple[str, ...]]
"""Key, operator (`exists`, `!`, `in`, `notin`, `=`, `!=`, `gt`, `lt`), values."""


class SelectorError(ValueError):
    """The text is no selector."""


def terms(text: str) -> Iterator[Term]:
    """The requirements of a label selector in order."""
    tokens = _Tokens(text)
    while tokens.ahead:
        if tokens.ahead in SYMBOLS - {"!"} or tokens.ahead in ("==", "!="):
            raise SelectorError(f"found '{tokens.ahead}', expected: !, identifier, or 'end of string'")
        try:
            yield _term(tokens)
        except SelectorError as error:
            raise SelectorError(f"unable to parse requirement: {error}") from None
        _separator(tokens)


def _separator(tokens: _Tokens) -> None:
    found = tokens.take()
    if found not in ("", ","):
        raise SelectorError(f"found '{found}', expected: ',' or 'end of string'")
    if found and not (tokens.ahead == "!" or _is_word(tokens.ahead)):
        raise SelectorError(f"found '{tokens.ahead}', expected: identifier after ','")


class _Tokens:
    def __init__(self, text: str) -> None:
        self._rest = [match.group(1) for match in _TOKEN.finditer(text)]

    @property
    def ahead(self) -> str:
        return self._rest[0] if self._rest else ""

    def take(self) -> str:
        return self._rest.pop(0) if self._rest else ""


def _is_word(token: str) -> bool:
    return bool(token) and token[0] not in SYMBOLS


def _term(tokens: _Tokens) -> Term:
    absent = tokens.ahead == "!" and bool(tokens.take())
    key = tokens.take()
    if not _is_word(key):
        raise SelectorError(f"found '{key}', expected: identifier")
    if tokens.ahead in ("", ","):
        return key, "!" if absent else "exists", ()
    spelling = tokens.take()
    operator = SPELLINGS.get(spelling)
    if operator is None:
        raise SelectorError(f"found '{spelling}', expected: {', '.join(OPERATORS)}")
    values = _values(tokens) if operator in ("in", "notin") else (_value(tokens),)
    return key, operator, values


def _value(tokens: _Tokens) -> str:
    if tokens.ahead in ("", ","):
        return ""
    value = tokens.take()
    if not _is_word(value):
        raise SelectorError(f"found '{value}', expected: identifier")
    return value


def _values(tokens: _Tokens) -> tuple[str, ...]:
    if (found := tokens.take()) != "(":
        raise SelectorError(f"found '{found}' expected: '('")
    values, expected = [""], True
    while (found := tokens.take()) != ")":
        if found == ",":
            values.append("")
            expected = True
        elif _is_word(found) and expected:
            values[-1], expected = found, False
        else:
            raise SelectorError(_unexpected(found, expected, len(values)))
    return tuple(sorted(set(values)))


def _unexpected(found: str, expected: bool, count: int) -> str:
    if not expected:
        return f"found '{found}', expected: ',' or ')'"
    return f"found '{found}', expected: ',', {')' if count == 1 else ''}{' or' if count == 1 else 'or'} identifier"
