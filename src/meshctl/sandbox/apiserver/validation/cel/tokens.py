"""The words of a CEL expression."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

_STRING = r"""[rR]?(?:\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')"""
_TOKEN = re.compile(
    rf"""(?P<blank>\s+|//[^\n]*)
    |(?P<double>[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?)
    |(?P<uint>(?:0x[0-9a-fA-F]+|[0-9]+)[uU])
    |(?P<int>0x[0-9a-fA-F]+|[0-9]+)
    |(?P<bytes>[bB]{_STRING})
    |(?P<string>{_STRING})
    |(?P<name>[_a-zA-Z][_a-zA-Z0-9]*)
    |(?P<sign>&&|\|\||[=!<>]=|[-+*/%!<>?:.,()\[\]{{}}])""",
    re.VERBOSE,
)


class CelSyntaxError(ValueError):
    """The expression is no CEL."""


@dataclass(frozen=True)
class Token:
    """A word and its kind: a name, a sign, a literal, or `end`."""

    kind: str
    text: str


def tokens(expression: str) -> Iterator[Token]:
    """The words of an expression, then an `end`; CelSyntaxError where none begins."""
    position = 0
    while position < len(expression):
        found = _TOKEN.match(expression, position)
        if found is None or found.lastgroup is None:
            raise CelSyntaxError(f"token recognition error at: {expression[position]!r}")
        position = found.end()
        if found.lastgroup != "blank":
            yield Token(found.lastgroup, found.group())
    yield Token("end", "<EOF>")


def unquoted(text: str) -> str:
    """The text that a string literal stands for."""
    raw = text[:1] in "rR"
    body = text[1:] if raw else text
    fence = body[:3] if body[:3] in ('"""', "'''") else body[:1]
    inner = body[len(fence) : -len(fence)]
    if raw or "\\" not in inner:
        return inner
    escaped = inner.replace("\\?", "?").replace("\\`", "`").replace("\n", "\\n").replace('"""', '\\"\\"\\"')
    value: str = ast.literal_eval(f'"""{escaped} """')
    return value[:-1]
