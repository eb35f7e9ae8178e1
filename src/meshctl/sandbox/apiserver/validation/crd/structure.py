"""Types, ranges and alternatives of a structural schema, in the words of kube-openapi's validator (1.36)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from meshctl.sandbox.apiserver.validation.cause import (
    NO_FIELD,
    Cause,
    invalid,
    mistyped,
    required,
    too_long,
    too_many,
    unsupported,
)
from meshctl.sandbox.apiserver.validation.crd.correlation import ABSENT, former_field, former_item
from meshctl.sandbox.apiserver.validation.formats import fits_format
from meshctl.sandbox.apiserver.validation.golang import number

Schema = dict[str, Any]
_INT32, _INT64 = (-(2**31), 2**31 - 1), (-(2**63), 2**63 - 1)


def structure_causes(schema: Schema, value: Any, path: str, old: Any = ABSENT) -> Iterator[Cause]:
    """What is wrong with a value; parts that equal their former state are let pass."""
    if old is not ABSENT and old == value:
        return
    if value is None and schema.get("nullable"):
        return
    yield from _type_causes(schema, value, path)
    if value is None:
        return
    yield from _alternative_causes(schema, value, path)
    match value:
        case bool():
            pass
        case str():
            yield from _string_causes(schema, value, path)
        case int() | float():
            yield from _number_causes(schema, value, path)
        case list():
            yield from _list_causes(schema, value, path, old)
        case dict():
            yield from _object_causes(schema, value, path, old)
    if "enum" in schema and value not in schema["enum"]:
        yield unsupported(path, value, schema["enum"])


def _json_type(value: Any) -> tuple[str, str]:
    """The type and format that a value of JSON has."""
    match value:
        case None:
            return "null", "null"
        case bool():
            return "boolean", ""
        case int():
            return "integer", "int64"
        case float():
            return "number", "float64"
        case str():
            return "string", ""
        case list():
            return "array", ""
    return "object", ""


def _type_causes(schema: Schema, value: Any, path: str) -> Iterator[Cause]:
    wanted, wanted_format = schema.get("type"), schema.get("format", "")
    kind, form = _json_type(value)
    if schema.get("x-kubernetes-int-or-string"):
        if kind not in ("integer", "string"):
            yield _wrong_type(path, "integer,string", kind)
        return
    if not wanted or _is_a(wanted, kind, value):
        return
    if wanted_format and kind not in ("string", "array", "null"):
        yield _wrong_type(path, wanted_format, form)
    else:
        yield _wrong_type(path, wanted, kind)


def _is_a(wanted: str, kind: str, value: Any) -> bool:
    if wanted == kind or (wanted == "number" and kind == "integer"):
        return True
    return wanted == "integer" and isinstance(value, float) and value.is_integer()


def _wrong_type(path: str, wanted: str, found: str) -> Cause:
    return mistyped(path, found, f'{_within(path)} must be of type {wanted}: "{found}"')


def _within(path: str) -> str:
    return f"{path} in body"


def _alternative_causes(schema: Schema, value: Any, path: str) -> Iterator[Cause]:
    if "anyOf" in schema and not any(_fits(each, value, path) for each in schema["anyOf"]):
        yield _unplaced(f'"{path}" must validate at least one schema (anyOf)')
    if "oneOf" in schema:
        fitting = sum(_fits(each, value, path) for each in schema["oneOf"])
        if fitting != 1:
            found = f"Found {fitting} valid alternatives" if fitting else "Found none valid"
            yield _unplaced(f'"{path}" must validate one and only one schema (oneOf). {found}')
    if "allOf" in schema:
        yield from _all_of_causes(schema["allOf"], value, path)
    if "not" in schema and _fits(schema["not"], value, path):
        yield _unplaced(f'"{path}" must not validate the schema (not)')


def _all_of_causes(schemas: list[Schema], value: Any, path: str) -> Iterator[Cause]:
    found = [list(structure_causes(each, value, path)) for each in schemas]
    for causes in found:
        yield from causes
    if any(found):
        none = ". None validated" if all(found) else ""
        yield _unplaced(f'"{path}" must validate all the schemas (allOf){none}')


def _fits(schema: Schema, value: Any, path: str) -> bool:
    return not any(structure_causes(schema, value, path))


def _unplaced(text: str) -> Cause:
    return invalid(NO_FIELD, "", text)


def _string_causes(schema: Schema, value: str, path: str) -> Iterator[Cause]:
    if "maxLength" in schema and len(value) > schema["maxLength"]:
        yield too_long(path, schema["maxLength"])
    if "minLength" in schema and len(value) < schema["minLength"]:
        yield invalid(path, value, f"{_within(path)} should be at least {schema['minLength']} chars long")
    if "pattern" in schema and re.search(schema["pattern"], value) is None:
        yield invalid(path, value, f"{_within(path)} should match '{schema['pattern']}'")
    if schema.get("format") and not fits_format(schema["format"], value):
        yield invalid(path, value, f"{_within(path)} must be of type {schema['format']}: {invalid_text(value)}")


def invalid_text(value: str) -> str:
    """A string as kube-openapi quotes it at a message's end."""
    return f'"{value}"'


def _number_causes(schema: Schema, value: float, path: str) -> Iterator[Cause]:
    yield from _range_causes(schema, value, path)
    low, high = schema.get("minimum"), schema.get("maximum")
    if high is not None and (value >= high if schema.get("exclusiveMaximum") else value > high):
        equal = "" if schema.get("exclusiveMaximum") else " or equal to"
        yield invalid(path, value, f"{_within(path)} should be less than{equal} {number(high)}")
    if low is not None and (value <= low if schema.get("exclusiveMinimum") else value < low):
        equal = "" if schema.get("exclusiveMinimum") else " or equal to"
        yield invalid(path, value, f"{_within(path)} should be greater than{equal} {number(low)}")
    factor = schema.get("multipleOf")
    if factor and value % factor:
        yield invalid(path, value, f"{_within(path)} should be a multiple of {number(factor)}")


def _range_causes(schema: Schema, value: float, path: str) -> Iterator[Cause]:
    if schema.get("type") != "integer":
        return
    form = schema.get("format", "")
    low, high = _INT32 if form == "int32" else _INT64
    if (isinstance(value, float) and not value.is_integer()) or not low <= value <= high:
        detail = f"with format {form}" if form else "(default format)"
        yield _unplaced(f"Checked value must be of type integer {detail} in {path}")


def _list_causes(schema: Schema, value: list[Any], path: str, old: Any) -> Iterator[Cause]:
    items = schema.get("items") or {}
    for at, item in enumerate(value):
        yield from structure_causes(items, item, f"{path}[{at}]", former_item(schema, old, item))
    if "minItems" in schema and len(value) < schema["minItems"]:
        yield invalid(path, len(value), f"{_within(path)} should have at least {schema['minItems']} items")
    if "maxItems" in schema and len(value) > schema["maxItems"]:
        yield too_many(path, len(value), schema["maxItems"])
    if schema.get("uniqueItems") and any(item in value[:at] for at, item in enumerate(value)):
        yield invalid(path, value, f"{_within(path)} shouldn't contain duplicates")


def _object_causes(schema: Schema, value: dict[str, Any], path: str, old: Any) -> Iterator[Cause]:
    count = len(value)
    if "minProperties" in schema and count < schema["minProperties"]:
        detail = f"should have at least {schema['minProperties']} properties"
        yield invalid(path, count, f"{_within(path)} {detail}")
    if "maxProperties" in schema and count > schema["maxProperties"]:
        yield too_many(path, count, schema["maxProperties"])
    properties, values = schema.get("properties", {}), schema.get("additionalProperties")
    for name, item in value.items():
        part = properties.get(name, values if isinstance(values, dict) else None)
        if part is not None:
            yield from structure_causes(part, item, _inner(path, name), former_field(old, name))
    for name in schema.get("required", ()):
        if name not in value:
            yield required(_inner(path, name))


def _inner(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
