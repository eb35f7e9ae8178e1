"""Custom resources against the schema of their definition."""

from __future__ import annotations

from typing import Any

import pytest

from meshctl.sandbox.apiserver.validation import crd


def definition(spec: dict[str, Any], **version: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"spec": spec}}
    versions = [{"name": "v1", "schema": {"openAPIV3Schema": schema}, **version}]
    return {"spec": {"group": "example.org", "scope": "Namespaced", "versions": versions}}


def thing(spec: Any) -> dict[str, Any]:
    meta = {"name": "a", "namespace": "b"}
    return {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": meta, "spec": spec}


def causes(spec: dict[str, Any], value: Any, old: Any = None) -> list[str]:
    former = None if old is None else thing(old)
    return [str(cause) for cause in crd.validate(definition(spec), "v1", thing(value), former)]


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"type": "integer"}, 1.0, []),
        ({"type": "integer"}, 1.5, ['must be of type integer: "number"', "(default format) in spec"]),
        ({"type": "number"}, 3, []),
        ({"type": "string", "minLength": 2}, "a", ["spec in body should be at least 2 chars long"]),
        ({"type": "string", "pattern": "^a"}, "b", ["spec in body should match '^a'"]),
        ({"type": "string", "format": "date-time"}, "today", ["spec in body must be of type date-time"]),
        (
            {"type": "array", "items": {"type": "string"}, "maxItems": 1},
            ["a", "b"],
            ["Too many: 2: must have at most 1 item"],
        ),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1}, [], ["should have at least 1 items"]),
        ({"type": "string", "nullable": True}, None, []),
        ({"x-kubernetes-int-or-string": True}, True, ['must be of type integer,string: "boolean"']),
        (
            {"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {},
            ["must validate at least one schema (anyOf)"],
        ),
        ({"type": "object", "not": {"required": ["a"]}}, {"a": 1}, ["must not validate the schema (not)"]),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, 1, ["should be greater than 1"]),
        ({"type": "integer", "multipleOf": 5}, 7, ["should be a multiple of 5"]),
        (
            {"type": "array", "items": {"type": "integer"}, "x-kubernetes-list-type": "set"},
            [1, 1],
            ["spec[1]: Duplicate value: 1"],
        ),
    ],
)
def test_schema(schema: dict[str, Any], value: Any, expected: list[str]) -> None:
    found = causes(schema, value)
    assert len(found) == len(expected)
    assert all(text in cause for text, cause in zip(expected, found, strict=True))


def test_unknown_fields_go_and_are_told() -> None:
    schema = {
        "type": "object",
        "properties": {
            "known": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
            "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    }
    given = {"known": [{"a": "1", "b": 2}], "open": {"x": [{"y": 1}]}, "other": 1}
    obj = thing(given)
    obj["metadata"]["colour"] = "red"
    kept, unknown = crd.prune(definition(schema), "v1", obj)
    assert kept["spec"] == {"known": [{"a": "1"}], "open": {"x": [{"y": 1}]}}
    assert unknown == ["metadata.colour", "spec.known[0].b", "spec.other"]


def test_defaults_fill_nested_objects_and_replace_nulls() -> None:
    inner = {"type": "object", "default": {}, "properties": {"size": {"type": "integer", "default": 3}}}
    schema = {"type": "object", "properties": {"a": inner, "b": {"type": "string", "nullable": True, "default": "x"}}}
    filled = crd.default(definition(schema), "v1", thing({"a": None, "b": None}))
    assert filled["spec"] == {"a": {"size": 3}, "b": None}


def test_rules_are_skipped_after_a_type_error_and_run_after_a_range_error() -> None:
    rule = {"rule": "self.a > 5", "message": "a is small"}
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer", "minimum": 3}},
        "x-kubernetes-validations": [rule],
    }
    assert "some validation rules were not checked" in causes(schema, {"a": "x"})[-1]
    assert [cause.partition(": ")[0] for cause in causes(schema, {"a": 1})] == ["spec.a", "spec"]


def test_a_change_lets_old_faults_pass_and_sees_the_former_state() -> None:
    grows = {"rule": "self >= oldSelf", "message": "must grow"}
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 2},
            "size": {"type": "integer", "x-kubernetes-validations": [grows]},
        },
    }
    assert causes(schema, {"name": "long", "size": 2}, {"name": "long", "size": 1}) == []
    assert causes(schema, {"name": "longer", "size": 2}, {"name": "long", "size": 1})[0].startswith(
        "spec.name: Too long"
    )
    assert causes(schema, {"size": 1}, {"size": 2}) == ["spec.size: Invalid value: 1: must grow"]


def test_message_expression_reason_and_field_path() -> None:
    rule = {
        "rule": "self.a == self.b",
        "messageExpression": "'a is ' + string(self.a)",
        "reason": "FieldValueForbidden",
        "fieldPath": ".b",
    }
    number = {"type": "integer"}
    schema = {"type": "object", "properties": {"a": number, "b": number}, "x-kubernetes-validations": [rule]}
    assert causes(schema, {"a": 1, "b": 2}) == ["spec.b: Forbidden: a is 1"]
