"""Patch bodies: read as the API server reads them, with its words for what is wrong.

Each reader also gives the complaints of field validation (`duplicate field "data.a"`): refuse them when it is Strict,
warn of them when it is Warn.
"""

from __future__ import annotations

from typing import Any

import yaml

from meshctl.sandbox.apiserver.patch import gojson
from meshctl.sandbox.apiserver.patch.gojson import BadJson
from meshctl.sandbox.apiserver.patch.refusal import bad_request
from meshctl.sandbox.apiserver.patch.yamltext import BadYaml, load_yaml

Object = dict[str, Any]
MAP = "map[string]interface {}"
OPERATION_FIELDS = ("op", "path", "from")
GO_KINDS: dict[type, str] = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}


def json_patch_body(data: bytes) -> tuple[list[Object], list[str]]:
    """The operations of a JSON Patch."""
    value, complaints = _json(data, "error decoding patch: ")
    fault, unknown = _operations_fault(value), _unknown_fields(value)
    if fault:
        raise bad_request(f"error decoding patch: json: cannot unmarshal {fault}")
    # An operation that is null is one without fields to Go.
    return [one or {} for one in value or ()], [f"json patch {one}" for one in (*complaints, *unknown)]


def merge_patch_body(data: bytes) -> tuple[Object, list[str]]:
    """A JSON Merge Patch."""
    return _json_object(data, "error decoding patch: ")


def strategic_body(data: bytes) -> tuple[Object, list[str]]:
    """A strategic merge patch."""
    return _json_object(data, "")


def apply_body(data: bytes) -> tuple[Object, list[str]]:
    """The configuration of a server-side apply: YAML, of which JSON is a part."""
    try:
        value, complaints = load_yaml(data)
    except (BadYaml, yaml.YAMLError) as error:
        raise bad_request(f"error decoding YAML: {error}") from error
    if value is not None and not isinstance(value, dict):
        kind = GO_KINDS[type(value)]
        problem = f"json: cannot unmarshal {kind} into Go value of type {MAP}"
        raise bad_request(f"error decoding YAML: error unmarshaling JSON: while decoding JSON: {problem}")
    return value or {}, complaints


def _json(data: bytes, prefix: str) -> tuple[Any, list[str]]:
    try:
        return gojson.loads_strictly(data)
    except BadJson as error:
        raise bad_request(f"{prefix}{error}") from error


def _json_object(data: bytes, prefix: str) -> tuple[Object, list[str]]:
    value, complaints = _json(data, prefix)
    if value is not None and not isinstance(value, dict):
        raise bad_request(f"{prefix}json: cannot unmarshal {GO_KINDS[type(value)]} into Go value of type {MAP}")
    return value or {}, complaints


def _operations_fault(value: Any) -> str:
    """Where the operations are not as Go's struct has them, empty if they fit."""
    if value is None:
        return ""
    if not isinstance(value, list):
        return f"{GO_KINDS[type(value)]} into Go value of type []handlers.jsonPatchOp"
    for operation in value:
        if operation is not None and not isinstance(operation, dict):
            return f"{GO_KINDS[type(operation)]} into Go value of type handlers.jsonPatchOp"
        for name, item in (operation or {}).items():
            if name in OPERATION_FIELDS and not isinstance(item, str | None):
                return f"{GO_KINDS[type(item)]} into Go struct field jsonPatchOp.{name} of type string"
    return ""


def _unknown_fields(value: Any) -> list[str]:
    operations = enumerate(value) if isinstance(value, list) else ()
    return [
        f'unknown field "[{index}].{name}"'
        for index, operation in operations
        if isinstance(operation, dict)
        for name in operation
        if name not in (*OPERATION_FIELDS, "value")
    ]
