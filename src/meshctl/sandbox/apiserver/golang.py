"""Go's own words, where Kubernetes passes them on: encoding/json syntax errors, strconv, summaries of bodies."""

from __future__ import annotations

import json

LITERALS = {"t": "true", "f": "false", "n": "null"}
ESCAPES = '"\\/bfnrtu'
END = "unexpected end of JSON input"


class JsonSyntaxError(ValueError):
    """Text that is no JSON, in the words of encoding/json."""


def character(one: str) -> str:
    """A character as Go's scanner quotes it."""
    if one == "'":
        return r"'\''"
    if one == '"':
        return "'\"'"
    return f"'{json.dumps(one, ensure_ascii=not one.isprintable())[1:-1]}'"


def parse_int_error(text: str, function: str = "ParseInt") -> str:
    """The error of strconv.ParseInt and ParseUint."""
    return f"strconv.{function}: parsing {json.dumps(text, ensure_ascii=False)}: invalid syntax"


def summary(data: bytes) -> str:
    """The beginning of a body: as text if it looks like JSON, else in hexadecimal."""
    if not data:
        return "<empty>"
    more = " ..." if len(data) > 30 else ""
    return data[:30].decode(errors="replace") + more if data[:1] == b"{" else data[:30].hex() + more


def syntax_error(data: bytes) -> str:
    """What encoding/json says about a document that it cannot read; empty if it can."""
    # A byte stands for the character of its number, as in Go's scanner.
    scanner = _Scanner(data.decode("latin-1"))
    try:
        scanner.document()
    except JsonSyntaxError as error:
        return str(error)
    except RecursionError:
        return "exceeded max depth"
    return ""


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def document(self) -> None:
        self._value()
        self._space()
        if self._at < len(self._text):
            self._fail("after top-level value")

    def _fail(self, context: str) -> None:
        if self._at >= len(self._text):
            raise JsonSyntaxError(END)
        raise JsonSyntaxError(f"invalid character {character(self._text[self._at])} {context}")

    @property
    def _now(self) -> str:
        return self._text[self._at : self._at + 1]

    def _space(self) -> None:
        while self._now and self._now in " \t\r\n":
            self._at += 1

    def _value(self) -> None:
        self._space()
        first = self._now
        if first == "{":
            self._object()
        elif first == "[":
            self._array()
        elif first == '"':
            self._string()
        elif first and first in LITERALS:
            self._literal(LITERALS[first])
        elif first and first in "-0123456789":
            self._number()
        else:
            self._fail("looking for beginning of value")

    def _literal(self, word: str) -> None:
        for expected in word:
            if self._now != expected:
                self._fail(f"in literal {word} (expecting {character(expected)})")
            self._at += 1

    def _string(self) -> None:
        self._at += 1
        while self._now != '"':
            if not self._now or self._now < " ":
                self._fail("in string literal")
            if self._now == "\\":
                self._escape()
            self._at += 1
        self._at += 1

    def _escape(self) -> None:
        self._at += 1
        if not self._now or self._now not in ESCAPES:
            self._fail("in string escape code")
        if self._now == "u":
            for _ in range(4):
                self._at += 1
                if not self._now or self._now not in "0123456789abcdefABCDEF":
                    self._fail("in \\u hexadecimal character escape")

    def _number(self) -> None:
        if self._now == "-":
            self._at += 1
            if not self._now.isdecimal():
                self._fail("in numeric literal")
        if self._now == "0":
            self._at += 1
        else:
            self._digits()
        if self._now == ".":
            self._at += 1
            self._digits("after decimal point in numeric literal")
        if self._now in ("e", "E"):
            self._at += 1
            if self._now in ("+", "-"):
                self._at += 1
            self._digits("in exponent of numeric literal")

    def _digits(self, context: str = "in numeric literal") -> None:
        if not self._now.isdecimal():
            self._fail(context)
        while self._now.isdecimal():
            self._at += 1

    def _array(self) -> None:
        self._at += 1
        self._space()
        if self._now == "]":
            self._at += 1
            return
        while True:
            self._value()
            if self._closed("]", "after array element"):
                return

    def _object(self) -> None:
        self._at += 1
        self._space()
        if self._now == "}":
            self._at += 1
            return
        while True:
            self._pair()
            if self._closed("}", "after object key:value pair"):
                return

    def _pair(self) -> None:
        self._space()
        if self._now != '"':
            self._fail("looking for beginning of object key string")
        self._string()
        self._space()
        if self._now != ":":
            self._fail("after object key")
        self._at += 1
        self._value()

    def _closed(self, end: str, context: str) -> bool:
        self._space()
        if self._now not in (",", end):
            self._fail(context)
        self._at += 1
        return self._text[self._at - 1] == end
