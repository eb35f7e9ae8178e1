"""The value of a CEL expression, with cel-go's error-absorbing logic."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from meshctl.sandbox.apiserver.validation.cel.functions import call
from meshctl.sandbox.apiserver.validation.cel.syntax import (
    Call,
    Comprehension,
    Index,
    ListOf,
    Literal,
    MapOf,
    Name,
    Node,
    Select,
    parse,
)
from meshctl.sandbox.apiserver.validation.cel.values import CelError, Duration, equal, no_overload

Variables = Mapping[str, Any]
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MOST, _LEAST = 2**63 - 1, -(2**63)


@lru_cache(maxsize=2048)
def compiled(expression: str) -> Node:
    """The tree of an expression, made once."""
    return parse(expression)


def evaluate(expression: str, variables: Variables) -> Any:
    """The value of an expression; CelError when it has none."""
    return value_of(compiled(expression), variables)


def value_of(node: Node, variables: Variables) -> Any:
    """The value of a tree."""
    match node:
        case Literal():
            return node.value
        case Name():
            return _variable(node.name, variables)
        case Select():
            return _selected(node, variables)
        case Index():
            return _item(value_of(node.operand, variables), value_of(node.index, variables))
        case ListOf():
            return [value_of(item, variables) for item in node.items]
        case MapOf():
            return {value_of(key, variables): value_of(item, variables) for key, item in node.items}
        case Comprehension():
            return _comprehension(node, variables)
        case Call():
            return _called(node, variables)


def _variable(name: str, variables: Variables) -> Any:
    if name not in variables:
        raise CelError(f"undeclared reference to '{name}' (in container '')")
    return variables[name]


def _selected(node: Select, variables: Variables) -> Any:
    operand = value_of(node.operand, variables)
    if not isinstance(operand, dict):
        raise no_overload()
    if node.test:
        return node.name in operand
    if node.name not in operand:
        raise CelError(f"no such key: {node.name}")
    return operand[node.name]


def _item(operand: Any, index: Any) -> Any:
    if isinstance(operand, dict):
        if index not in operand:
            raise CelError(f"no such key: {index}")
        return operand[index]
    if not isinstance(operand, list) or not isinstance(index, int):
        raise no_overload()
    if not 0 <= index < len(operand):
        raise CelError(f"index out of bounds: {index}")
    return operand[index]


def _called(node: Call, variables: Variables) -> Any:
    match node.name:
        case "&&" | "||":
            return _logic(node, variables)
        case "?:":
            condition, chosen, other = node.arguments
            return value_of(chosen if _truth(value_of(condition, variables)) else other, variables)
    nodes = node.arguments if node.target is None else (node.target, *node.arguments)
    arguments = [value_of(each, variables) for each in nodes]
    if node.target is None and node.name in _OPERATORS:
        return _OPERATORS[node.name](*arguments)
    return call(node.name, arguments)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise no_overload()
    return value


def _logic(node: Call, variables: Variables) -> bool:
    return _absorbing(node.name == "||", [_thunk(each, variables) for each in node.arguments])


def _thunk(node: Node, variables: Variables) -> Callable[[], Any]:
    return lambda: value_of(node, variables)


def _absorbing(decisive: bool, terms: list[Callable[[], Any]]) -> bool:
    """`||` (decisive: true) or `&&` of the terms: a decisive one outweighs another's error."""
    failure: CelError | None = None
    for term in terms:
        try:
            if _truth(term()) is decisive:
                return decisive
        except CelError as error:
            failure = failure or error
    if failure:
        raise failure
    return not decisive


def _comprehension(node: Comprehension, variables: Variables) -> Any:
    target = value_of(node.target, variables)
    if not isinstance(target, list | dict):
        raise no_overload()
    scopes: list[Variables] = [{**variables, node.variable: item} for item in target]
    body = node.body[-1]
    match node.macro:
        case "all" | "exists":
            return _absorbing(node.macro == "exists", [_thunk(body, scope) for scope in scopes])
        case "exists_one":
            return sum(_truth(value_of(body, scope)) for scope in scopes) == 1
        case "filter":
            return [scope[node.variable] for scope in scopes if _truth(value_of(body, scope))]
    chosen = scopes if len(node.body) == 1 else [s for s in scopes if _truth(value_of(node.body[0], s))]
    return [value_of(body, scope) for scope in chosen]


def _bounded(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and not _LEAST <= value <= _MOST:
        raise CelError("integer overflow")
    return value


def _arithmetic(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def apply(left: Any, right: Any) -> Any:
        if isinstance(left, bool) or isinstance(right, bool):
            raise no_overload()
        try:
            return _bounded(function(left, right))
        except TypeError as error:
            raise no_overload() from error

    return apply


def _divide(left: Any, right: Any) -> Any:
    if isinstance(left, float) or isinstance(right, float):
        return float(left) / float(right) if right else float("inf")
    if right == 0:
        raise CelError("division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: int, right: int) -> int:
    if right == 0:
        raise CelError("modulus by zero")
    return left - right * int(_divide(left, right))


def _ordered(name: str) -> Callable[[Any, Any], bool]:
    compare = _ORDER[name]

    def apply(left: Any, right: Any) -> bool:
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if not numbers and type(left) is not type(right):
            raise no_overload()
        try:
            return compare(left, right)
        except TypeError as error:
            raise no_overload() from error

    return apply


def _member(value: Any, within: Any) -> bool:
    if not isinstance(within, list | dict):
        raise no_overload()
    return any(equal(value, item) for item in within)


def _negate(value: Any) -> Any:
    if isinstance(value, Duration):
        return Duration(-value.nanoseconds)
    return _arithmetic(operator.mul)(value, -1)


_OPERATORS: dict[str, Callable[..., Any]] = {
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    "in": _member,
    "!": lambda value: not _truth(value),
    "negate": _negate,
    "+": _arithmetic(operator.add),
    "-": _arithmetic(operator.sub),
    "*": _arithmetic(operator.mul),
    "/": _arithmetic(_divide),
    "%": _arithmetic(_remainder),
    **{name: _ordered(name) for name in _ORDER},
}
