"""The OpenAPI v2 document (`/openapi/v2`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meshctl.sandbox.apiserver.validation.kubernetes.definitions import GVK, Node, definitions
from meshctl.sandbox.apiserver.validation.openapi.operations import PRODUCES, Operation, Parameter, operations
from meshctl.sandbox.apiserver.validation.openapi.served import TITLE, Served, custom_definitions

_SECURITY = {
    "BearerToken": {
        "description": "Bearer Token authentication",
        "type": "apiKey",
        "name": "authorization",
        "in": "header",
    }
}
_UNTOLD = ("oneOf", "anyOf", "allOf", "not", "nullable", "x-kubernetes-validations")


def document(served: Sequence[Served]) -> dict[str, Any]:
    """The document of what is served; every built-in definition is in it."""
    custom = {
        name: plain(node) for each in served if each.definition is not None for name, node in custom_definitions(each)
    }
    paths = {path: _path(parameters, found) for each in served for path, parameters, found in operations(each)}
    return {
        "swagger": "2.0",
        "info": TITLE,
        "paths": dict(sorted(paths.items())),
        "definitions": dict(sorted({**definitions(), **custom}.items())),
        "parameters": {},
        "securityDefinitions": _SECURITY,
        "security": [{"BearerToken": []}],
    }


def plain(node: Node) -> Node:
    """A custom resource's schema in the words of v2: no alternatives, no type where several are allowed."""
    kept = {key: value for key, value in node.items() if key not in _UNTOLD}
    if (
        node.get("x-kubernetes-preserve-unknown-fields")
        or node.get("x-kubernetes-int-or-string")
        or node.get("nullable")
    ):
        for key in ("type", "items", "properties", "additionalProperties"):
            kept.pop(key, None)
        return kept
    if "properties" in kept:
        kept["properties"] = {name: plain(part) for name, part in kept["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(kept.get(key), Mapping):
            kept[key] = plain(kept[key])
    return kept


def _path(parameters: Sequence[Parameter], found: Sequence[Operation]) -> dict[str, Any]:
    item: dict[str, Any] = {operation.method: _operation(operation) for operation in found}
    item["parameters"] = [_parameter(each) for each in parameters]
    return item


def _parameter(parameter: Parameter) -> dict[str, Any]:
    node: dict[str, Any] = {"description": parameter.description, "in": parameter.place, "name": parameter.name}
    if parameter.place == "path":
        node["required"] = True
    return node | {"type": parameter.type, "uniqueItems": True}


def _operation(operation: Operation) -> dict[str, Any]:
    parameters = [_parameter(each) for each in operation.parameters]
    if operation.body:
        body = {"in": "body", "name": "body", "required": True, "schema": _reference(operation.body)}
        parameters.append(body)
    success = {"description": "OK", "schema": _reference(operation.result)}
    return {
        "operationId": operation.identity,
        "consumes": list(operation.patches) or ["*/*"],
        "produces": list(PRODUCES),
        "parameters": parameters,
        "responses": {"200": success, "401": {"description": "Unauthorized"}},
        "schemes": ["https"],
        "x-kubernetes-action": operation.action,
        GVK: operation.kind,
    }


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/definitions/{name}"}
