"""Label selectors as values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from meshctl.sandbox.apiserver.selectors.syntax import SelectorError, Term, terms
from meshctl.sandbox.apiserver.storage.selection import Selection

NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")

NAME_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
INTEGER_RULE = "for 'Gt', 'Lt' operators, the value must be an integer"


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """Requirements that must all hold; none matches everything."""

    terms: tuple[Term, ...] = ()

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        """Whether an object with these labels is selected."""
        return all(_holds(term, labels or {}) for term in self.terms)

    def selection(self) -> Selection:
        """The same condition for the store."""
        return sum((_condition(term) for term in self.terms), Selection())


def parse(text: str) -> LabelSelector:
    """The selector that a query parameter states; raises SelectorError in Kubernetes' words."""
    found = tuple(terms(text))
    for term in found:
        _check(term)
    return LabelSelector(found)


def of(selector: Mapping[str, object] | None) -> LabelSelector:
    """A LabelSelector object (`matchLabels`, `matchExpressions`); none at all selects nothing."""
    if selector is None:
        return LabelSelector((("", "exists", ()),))
    equal = _mapping(selector.get("matchLabels"))
    found: list[Term] = [(key, "=", (str(value),)) for key, value in equal.items()]
    for expression in _list(selector.get("matchExpressions")):
        operator = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}[str(expression["operator"])]
        values = tuple(str(value) for value in _list(expression.get("values")))
        found.append((str(expression["key"]), operator, values))
    return LabelSelector(tuple(found))


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Mapping[str, object]]:
    return value if isinstance(value, list) else []


def _check(term: Term) -> None:
    key, operator, values = term
    prefix, slash, name = key.rpartition("/")
    if not NAME.fullmatch(name) or len(name) > 63 or (slash and not PREFIX.fullmatch(prefix)):
        raise SelectorError(f'unable to parse requirement: <nil>: Invalid value: "{key}": {NAME_RULE}')
    for index, value in enumerate(values):
        problem = _problem(operator, value)
        if problem:
            raise SelectorError(
                f'unable to parse requirement: values[{index}][{key}]: Invalid value: "{value}": {problem}'
            )


def _problem(operator: str, value: str) -> str:
    if len(value) > 63:
        return "must be no more than 63 bytes"
    if not VALUE.fullmatch(value):
        return VALUE_RULE
    return INTEGER_RULE if operator in ("gt", "lt") and not value.isdecimal() else ""


def _holds(term: Term, labels: Mapping[str, str]) -> bool:
    key, operator, values = term
    value = labels.get(key)
    if operator in ("!", "exists"):
        return (value is None) == (operator == "!")
    if operator in ("notin", "!="):
        return value is None or value not in values
    if value is None:
        return False
    if operator in ("in", "="):
        return value in values
    return value.isdecimal() and (int(value) > int(values[0])) == (operator == "gt") and value != values[0]


def _condition(term: Term) -> Selection:
    key, operator, values = term
    path = f'$."{key}"'
    if operator in ("!", "exists"):
        return Selection((f"labels ->> ? IS {'' if operator == '!' else 'NOT '}NULL",), (path,))
    if operator in ("gt", "lt"):
        sign = ">" if operator == "gt" else "<"
        return Selection((f"CAST(labels ->> ? AS INTEGER) {sign} ?",), (path, int(values[0])))
    places = ", ".join("?" * len(values))
    if operator in ("in", "="):
        return Selection((f"labels ->> ? IN ({places})",), (path, *values))
    return Selection((f"(labels ->> ? IS NULL OR labels ->> ? NOT IN ({places}))",), (path, path, *values))
