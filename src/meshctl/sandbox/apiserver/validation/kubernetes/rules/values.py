"""Rules of single values: one of a few, not negative, a port, a label selector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from meshctl.sandbox.apiserver.validation import names
from meshctl.sandbox.apiserver.validation.cause import Cause, forbidden, invalid, required, unsupported
from meshctl.sandbox.apiserver.validation.metadata import label_causes

Object = dict[str, Any]
IMMUTABLE = "field is immutable"


def wrong(field: str, value: Any, texts: Iterable[str]) -> Iterator[Cause]:
    """A cause for each fault of a value."""
    return (invalid(field, value, text) for text in texts)


def one_of(field: str, value: str | None, allowed: Iterable[str], needed: bool = False) -> Iterator[Cause]:
    """A value of a closed set; an absent one is fine unless needed."""
    choices = tuple(allowed)
    if value:
        if value not in choices:
            yield unsupported(field, value, choices)
    elif needed:
        yield required(field)


def not_negative(owner: Object, field: str, *fields: str) -> Iterator[Cause]:
    """Numbers that are zero or more."""
    for name in fields:
        if owner.get(name) is not None:
            yield from wrong(f"{field}.{name}" if field else name, owner[name], names.not_negative(owner[name]))


def port_value(field: str, value: Any) -> Iterator[Cause]:
    """The number or the name of a port."""
    if isinstance(value, str):
        yield from wrong(field, value, names.port_name(value))
    else:
        yield from wrong(field, value or 0, names.port_number(value or 0))


def port_number(field: str, value: int | None) -> Iterator[Cause]:
    """The number of a port."""
    yield from wrong(field, value or 0, names.port_number(value or 0))


def immutable(field: str, value: Any, old: Any) -> Iterator[Cause]:
    """A value that must stay what it was."""
    if value != old:
        yield invalid(field, value, IMMUTABLE)


def label_selector(field: str, selector: Object | None) -> Iterator[Cause]:
    """`matchLabels` and `matchExpressions`."""
    if selector is None:
        return
    yield from label_causes(selector.get("matchLabels") or {}, f"{field}.matchLabels")
    for at, each in enumerate(selector.get("matchExpressions") or ()):
        yield from _requirement(f"{field}.matchExpressions[{at}]", each)


def _requirement(field: str, requirement: Object) -> Iterator[Cause]:
    operator, values = requirement.get("operator", ""), requirement.get("values") or []
    if operator in ("In", "NotIn"):
        if not values:
            yield required(f"{field}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            yield forbidden(f"{field}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    else:
        yield invalid(f"{field}.operator", operator, "not a valid selector operator")
    yield from wrong(f"{field}.key", requirement.get("key", ""), names.qualified_name(requirement.get("key", "")))
    for at, value in enumerate(values):
        yield from wrong(f"{field}.values[{at}]", value, names.label_value(value))


def selects(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector chooses labels; none at all chooses nothing."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_meets(each, labels) for each in selector.get("matchExpressions") or ())


def _meets(requirement: Object, labels: Mapping[str, str]) -> bool:
    key, values = requirement.get("key", ""), requirement.get("values") or []
    match requirement.get("operator"):
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
    return key not in labels


def reference(field: str, owner: Object, *needed: str) -> Iterator[Cause]:
    """Fields of a reference that must not be empty."""
    for name in needed:
        if not owner.get(name):
            yield required(f"{field}.{name}" if field else name)
