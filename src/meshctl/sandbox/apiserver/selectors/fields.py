"""Field selectors: which fields a kind lets itself be selected by, and conditions over them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from meshctl.sandbox.apiserver.selectors.syntax import SelectorError
from meshctl.sandbox.apiserver.storage.selection import Selection

_TERM = re.compile(r"((?:\\.|[^\\=!]|!(?!=))*)(!=|==|=)(.*)", re.S)
_SPLIT = re.compile(r"(?:\\.|[^\\,])+", re.S)


@dataclass(frozen=True, slots=True)
class Field:
    """A selectable field: its name in selectors, its path in the object, and its text where the object has none.

    A boolean reads `true` or `false`.
    """

    name: str
    path: tuple[str, ...]
    boolean: bool = False
    absent: str = ""

    def value(self, obj: Mapping[str, Any]) -> str:
        """The field's text in an object."""
        found: Any = obj
        for step in self.path:
            found = found.get(step) if isinstance(found, Mapping) else None
        if self.boolean:
            return "true" if found else "false"
        return self.absent if found is None else str(found)

    @property
    def sql(self) -> str:
        """The same text as an SQL expression over `data`, with the path as parameter."""
        if self.boolean:
            return "CASE WHEN data ->> ? THEN 'true' ELSE 'false' END"
        return f"coalesce(CAST(data ->> ? AS TEXT), '{self.absent}')"


def field(path: str, name: str = "", boolean: bool = False, absent: str = "") -> Field:
    """A field whose path is written with dots; its name is the path unless given."""
    return Field(name or path, tuple(path.split(".")), boolean, absent)


METADATA = (field("metadata.name"), field("metadata.namespace"))


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Conditions (field, equal or not, value) that must all hold."""

    terms: tuple[tuple[Field, bool, str], ...] = ()

    def matches(self, obj: Mapping[str, Any]) -> bool:
        """Whether the object is selected."""
        return all((field.value(obj) == value) == equal for field, equal, value in self.terms)

    def selection(self) -> Selection:
        """The same condition for the store."""
        return sum((_condition(*term) for term in self.terms), Selection())

    @property
    def name(self) -> str | None:
        """The one `metadata.name` that can match, if the selector says so."""
        return next((value for field, equal, value in self.terms if equal and field == METADATA[0]), None)


def parse(text: str) -> tuple[tuple[str, bool, str], ...]:
    """The conditions of a field selector in the order of their text, as (name, equal or not, value)."""
    return tuple(_term(text, part) for part in sorted(_SPLIT.findall(text)))


def _term(text: str, part: str) -> tuple[str, bool, str]:
    match = _TERM.fullmatch(part)
    if not match:
        raise SelectorError(f"invalid selector: '{text}'; can't understand '{part}'")
    name, operator, value = match.groups()
    return name, operator != "!=", _unescaped(value)


def _unescaped(value: str) -> str:
    text, escaped = "", False
    for character in value:
        if escaped:
            if character not in "\\,=":
                raise SelectorError(f"invalid field selector: invalid escape sequence: \\{character}")
            text, escaped = text + character, False
        elif character in ",=":
            raise SelectorError(f"invalid field selector: unescaped character in value: {ord(character)}")
        elif character == "\\":
            escaped = True
        else:
            text += character
    if escaped:
        raise SelectorError("invalid field selector: invalid escape sequence: \\")
    return text


def _condition(field: Field, equal: bool, value: str) -> Selection:
    path = "$" + "".join(f'."{step}"' for step in field.path)
    return Selection((f"{field.sql} {'=' if equal else '<>'} ?",), (path, value))
