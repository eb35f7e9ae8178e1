"""Whether a text is a regular expression of RE2, and if not why, in the words of Go's regexp/syntax."""

from __future__ import annotations

import re
from collections.abc import Callable

from meshctl.sandbox.apiserver.validation.golang import quote
from meshctl.sandbox.apiserver.validation.istio.problem import Problems, error

_ESCAPES = frozenset("aftnrvdDsSwWbBAzQEpPxC01234567") | frozenset("\\.+*?()|[]{}^$-/!\"#%&',:;<=>@_`~")
_GROUP = re.compile(r"\(\?(?:P?<[A-Za-z_0-9]+>|[imsU]*(?:-[imsU]+)?[:)])")
_REPEAT = re.compile(r"\{([0-9]+)(?:(,)([0-9]*))?\}")
_REPEAT_LIMIT = 1000


def regex(pattern: str, where: str) -> Problems:
    """A pattern of a match; `where` names the field."""
    if len(pattern) > 1024:
        yield error(f"{quote(where)}: regex is too large, max length allowed is 1024")
        return
    wrong = fault(pattern)
    if wrong:
        advice = "Istio uses RE2 style regex-based match (https://github.com/google/re2/wiki/Syntax)"
        yield error(f"{quote(where)}: {wrong}; {advice}")


def fault(pattern: str) -> str | None:
    """What Go's regexp.Compile says of a pattern; None if it takes it."""
    found = _Scan(pattern).fault()
    return f"error parsing regexp: {found}" if found else None


class _Scan:
    """One pass over a pattern."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._open = 0
        self._repeatable = False
        self._repeat_start: int | None = None

    def fault(self) -> str | None:
        steps: dict[str, Callable[[], str | None]] = {
            "\\": self._escape,
            "[": self._class,
            "(": self._group,
            ")": self._close,
            "*": self._repeat,
            "+": self._repeat,
            "?": self._repeat,
            "{": self._braces,
        }
        while self._at < len(self._pattern):
            found = steps.get(self._pattern[self._at], self._literal)()
            if found:
                return found
        return f"missing closing ): `{self._pattern}`" if self._open else None

    def _literal(self) -> None:
        self._repeatable = self._pattern[self._at] != "|"
        self._repeat_start = None
        self._at += 1

    def _escape(self) -> str | None:
        letter = self._pattern[self._at + 1 : self._at + 2]
        if not letter:
            return "trailing backslash at end of expression: ``"
        if letter not in _ESCAPES or (letter in "1234567" and not self._is_octal()):
            return f"invalid escape sequence: `\\{letter}`"
        self._at += 1
        self._literal()
        return None

    def _is_octal(self) -> bool:
        return self._pattern[self._at + 2 : self._at + 3] in tuple("01234567")

    def _class(self) -> str | None:
        end = self._at + 1
        if self._pattern[end : end + 1] == "^":
            end += 1
        first = end
        while end < len(self._pattern) and (self._pattern[end] != "]" or end == first):
            named = re.compile(r"\[:[^\]]*:\]").match(self._pattern, end)
            end = named.end() if named else end + (2 if self._pattern[end] == "\\" else 1)
        if end >= len(self._pattern):
            return f"missing closing ]: `{self._pattern[self._at :]}`"
        inner = self._pattern[first:end]
        self._at = end
        self._literal()
        return _range_fault(inner)

    def _group(self) -> str | None:
        if self._pattern.startswith("(?", self._at):
            found = _GROUP.match(self._pattern, self._at)
            if found is None:
                return self._perl()
            self._open += not found.group().endswith(")")
            self._at = found.end()
        else:
            self._open += 1
            self._at += 1
        self._repeatable = False
        return None

    def _perl(self) -> str:
        text = self._pattern[self._at :]
        shown = next((each for each in ("(?<=", "(?<!") if text.startswith(each)), text[:3])
        return f"invalid or unsupported Perl syntax: `{shown}`"

    def _close(self) -> str | None:
        if not self._open:
            return f"unexpected ): `{self._pattern}`"
        self._open -= 1
        self._literal()
        return None

    def _braces(self) -> str | None:
        found = _REPEAT.match(self._pattern, self._at)
        if found is None:
            self._literal()
            return None
        low, high = int(found[1]), int(found[3] or found[1])
        if low > _REPEAT_LIMIT or high > _REPEAT_LIMIT or high < low:
            return f"invalid repeat count: `{found.group()}`"
        return self._repetition(found.end())

    def _repeat(self) -> str | None:
        return self._repetition(self._at + 1)

    def _repetition(self, end: int) -> str | None:
        start = self._at
        if self._pattern[end : end + 1] == "?":
            end += 1
        shown = self._pattern[start:end]
        if self._repeat_start is not None:
            return f"invalid nested repetition operator: `{self._pattern[self._repeat_start : end]}`"
        if not self._repeatable:
            return f"missing argument to repetition operator: `{shown}`"
        self._at = end
        self._repeat_start = start
        return None


def _range_fault(inner: str) -> str | None:
    for low, high in re.findall(r"([^\\\]-])-([^\\\]-])", inner):
        if low > high:
            return f"invalid character class range: `{low}-{high}`"
    return None
