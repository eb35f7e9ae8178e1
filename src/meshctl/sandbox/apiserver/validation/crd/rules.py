"""The CEL rules of a structural schema (x-kubernetes-validations)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from meshctl.sandbox.apiserver.validation.cause import Cause, broken, invalid
from meshctl.sandbox.apiserver.validation.cel.evaluation import evaluate
from meshctl.sandbox.apiserver.validation.cel.tokens import CelSyntaxError
from meshctl.sandbox.apiserver.validation.cel.values import CelError, Duration
from meshctl.sandbox.apiserver.validation.crd.correlation import ABSENT, former_field, former_item
from meshctl.sandbox.apiserver.validation.formats import fits_format
from meshctl.sandbox.apiserver.validation.golang import parse_duration

Schema = dict[str, Any]
_RULES = "x-kubernetes-validations"
_REASONS = {
    "FieldValueForbidden": "Forbidden",
    "FieldValueRequired": "Required value",
    "FieldValueDuplicate": "Duplicate value",
}


def has_rules(schema: Schema) -> bool:
    """Whether any part of the schema has a rule."""
    parts = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
    return _RULES in schema or any(has_rules(part) for part in parts if isinstance(part, dict))


def rule_causes(schema: Schema, value: Any, path: str, old: Any = ABSENT) -> Iterator[Cause]:
    """The rules that a value breaks, its own first; what `old` broke too is let pass."""
    if value is None:
        return
    for rule in schema.get(_RULES, ()):
        yield from _broken(rule, schema, value, path, old)
    if isinstance(value, dict):
        for name, item in value.items():
            part, inner = _part(schema, name, path)
            if part is not None:
                yield from rule_causes(part, item, inner, former_field(old, name))
    if isinstance(value, list) and schema.get("items"):
        for at, item in enumerate(value):
            yield from rule_causes(schema["items"], item, f"{path}[{at}]", former_item(schema, old, item))


def _part(schema: Schema, name: str, path: str) -> tuple[Schema | None, str]:
    known = schema.get("properties", {}).get(name)
    if known is not None:
        return known, f"{path}.{name}" if path else name
    values = schema.get("additionalProperties")
    return (values, f"{path}[{name}]") if isinstance(values, dict) else (None, "")


def _broken(rule: dict[str, Any], schema: Schema, value: Any, path: str, old: Any) -> Iterator[Cause]:
    transition = re.search(r"\boldSelf\b", rule["rule"]) is not None
    if transition and old is ABSENT and not rule.get("optionalOldSelf"):
        return
    if not transition and old is not ABSENT and old == value:
        return
    variables = {"self": typed(schema, value)}
    if transition:
        variables["oldSelf"] = None if old is ABSENT else typed(schema, old)
    try:
        holds = evaluate(rule["rule"], variables)
    except CelError as error:
        yield invalid(path, _type_of(schema), f"{error} evaluating rule: {_text(rule, variables)}")
        return
    except CelSyntaxError as error:
        yield invalid(path, _type_of(schema), f"compilation failed: {error}")
        return
    if holds is not True:
        yield _cause(rule, path, value, _text(rule, variables))


def _text(rule: dict[str, Any], variables: dict[str, Any]) -> str:
    if "messageExpression" in rule:
        try:
            text = evaluate(rule["messageExpression"], variables)
        except (CelError, CelSyntaxError):
            text = None
        if isinstance(text, str) and text.strip():
            return text
    message: str = rule.get("message") or f"failed rule: {rule['rule'].strip()}"
    return message


def _cause(rule: dict[str, Any], path: str, value: Any, text: str) -> Cause:
    field = path + rule.get("fieldPath", "")
    reason = rule.get("reason", "FieldValueInvalid")
    if reason in _REASONS:
        return Cause(field, reason, f"{_REASONS[reason]}: {text}")
    if isinstance(value, dict | list) or "fieldPath" in rule:
        return broken(field, text)
    return invalid(field, value, text)


def _type_of(schema: Schema) -> str:
    return str(schema.get("type", "object"))


def typed(schema: Schema, value: Any) -> Any:
    """A value of JSON as CEL sees it: times and durations by their format, unknown fields left out."""
    match value:
        case dict():
            parts = ((name, _part(schema, name, "")[0], item) for name, item in value.items())
            if schema.get("properties") or isinstance(schema.get("additionalProperties"), dict):
                return {_escaped(name): typed(part, item) for name, part, item in parts if part is not None}
            return value
        case list():
            return [typed(schema.get("items") or {}, item) for item in value]
        case int() if schema.get("type") == "number" and not isinstance(value, bool):
            return float(value)
        case str() if schema.get("format") in ("date-time", "duration") and fits_format(schema["format"], value):
            if schema["format"] == "duration":
                return Duration(parse_duration(value))
            return datetime.fromisoformat(value.upper())
    return value


def _escaped(name: str) -> str:
    """A field's name as an identifier of CEL."""
    if name in ("true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function"):
        return f"__{name}__"
    marks = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
    return re.sub(r"__|[./-]", lambda found: marks[found.group()], name)
