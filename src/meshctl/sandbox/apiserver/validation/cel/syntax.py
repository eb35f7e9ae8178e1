"""The syntax of CEL: from words to a tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from meshctl.sandbox.apiserver.validation.cel.tokens import CelSyntaxError, Token, tokens, unquoted

MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
_LEVELS = (
    frozenset({"||"}),
    frozenset({"&&"}),
    frozenset({"<", "<=", ">=", ">", "==", "!=", "in"}),
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
)


@dataclass(frozen=True)
class Literal:
    """A value written down."""

    value: Any


@dataclass(frozen=True)
class Name:
    """A variable."""

    name: str


@dataclass(frozen=True)
class Select:
    """A field of a value, or the test whether it is there."""

    operand: Node
    name: str
    test: bool = False


@dataclass(frozen=True)
class Index:
    """An item of a list or a map."""

    operand: Node
    index: Node


@dataclass(frozen=True)
class Call:
    """A function, method or operator; `target` is None for functions and operators."""

    name: str
    target: Node | None
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Comprehension:
    """A macro over a list or the keys of a map."""

    macro: str
    target: Node
    variable: str
    body: tuple[Node, ...]


@dataclass(frozen=True)
class ListOf:
    """A list of expressions."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class MapOf:
    """A map of expressions."""

    items: tuple[tuple[Node, Node], ...]


Node = Literal | Name | Select | Index | Call | Comprehension | ListOf | MapOf


def parse(expression: str) -> Node:
    """The tree of an expression; CelSyntaxError if it is none."""
    return _Parser(list(tokens(expression))).whole()


class _Parser:
    def __init__(self, words: Sequence[Token]) -> None:
        self._words = words
        self._at = 0

    def whole(self) -> Node:
        node = self._conditional()
        self._expect("<EOF>")
        return node

    @property
    def _word(self) -> Token:
        return self._words[self._at]

    def _next(self) -> Token:
        self._at += 1
        return self._words[self._at - 1]

    def _takes(self, text: str) -> bool:
        if self._word.text != text or self._word.kind in ("string", "bytes"):
            return False
        self._at += 1
        return True

    def _expect(self, text: str) -> None:
        if not self._takes(text):
            raise CelSyntaxError(f"mismatched input '{self._word.text}' expecting '{text}'")

    def _conditional(self) -> Node:
        condition = self._binary(0)
        if not self._takes("?"):
            return condition
        chosen = self._binary(0)
        self._expect(":")
        return Call("?:", None, (condition, chosen, self._conditional()))

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self._word.text in _LEVELS[level] and self._word.kind in ("sign", "name"):
            operator = self._next().text
            left = Call(operator, None, (left, self._binary(level + 1)))
        return left

    def _unary(self) -> Node:
        if self._takes("!"):
            return Call("!", None, (self._unary(),))
        if self._takes("-"):
            return Call("negate", None, (self._unary(),))
        return self._member()

    def _member(self) -> Node:
        node = self._primary()
        while True:
            if self._takes("."):
                node = self._selection(node)
            elif self._takes("["):
                index = self._conditional()
                self._expect("]")
                node = Index(node, index)
            else:
                return node

    def _selection(self, operand: Node) -> Node:
        name = self._identifier()
        if not self._takes("("):
            return Select(operand, name)
        arguments = self._list(")")
        if name in MACROS and len(arguments) > 1 and isinstance(arguments[0], Name):
            return Comprehension(name, operand, arguments[0].name, arguments[1:])
        return Call(name, operand, arguments)

    def _identifier(self) -> str:
        word = self._next()
        if word.kind != "name":
            raise CelSyntaxError(f"mismatched input '{word.text}' expecting IDENTIFIER")
        return word.text

    def _list(self, end: str) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self._takes(end):
            items.append(self._conditional())
            if not self._takes(","):
                self._expect(end)
                break
        return tuple(items)

    def _primary(self) -> Node:
        if self._takes("("):
            node = self._conditional()
            self._expect(")")
            return node
        if self._takes("["):
            return ListOf(self._list("]"))
        if self._takes("{"):
            return MapOf(self._entries())
        if self._word.kind == "name":
            return self._named(self._next().text)
        return Literal(_literal(self._next()))

    def _entries(self) -> tuple[tuple[Node, Node], ...]:
        entries: list[tuple[Node, Node]] = []
        while not self._takes("}"):
            key = self._conditional()
            self._expect(":")
            entries.append((key, self._conditional()))
            if not self._takes(","):
                self._expect("}")
                break
        return tuple(entries)

    def _named(self, name: str) -> Node:
        constants: dict[str, Any] = {"true": True, "false": False, "null": None}
        if name in constants:
            return Literal(constants[name])
        if not self._takes("("):
            return Name(name)
        arguments = self._list(")")
        if name == "has":
            return _presence(arguments)
        return Call(name, None, arguments)


def _presence(arguments: tuple[Node, ...]) -> Node:
    if len(arguments) != 1 or not isinstance(arguments[0], Select):
        raise CelSyntaxError("invalid argument to has() macro")
    return Select(arguments[0].operand, arguments[0].name, test=True)


def _literal(word: Token) -> Any:
    match word.kind:
        case "int":
            return int(word.text, 0) if word.text.startswith("0x") else int(word.text)
        case "uint":
            return int(word.text[:-1], 0) if word.text.startswith("0x") else int(word.text[:-1])
        case "double":
            return float(word.text)
        case "string":
            return unquoted(word.text)
        case "bytes":
            return unquoted(word.text[1:]).encode()
    raise CelSyntaxError(f"extraneous input '{word.text}'")
