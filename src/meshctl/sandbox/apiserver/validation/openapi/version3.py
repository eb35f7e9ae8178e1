"""The OpenAPI v3 document of a group version (`/openapi/v3/apis/GROUP/VERSION`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from meshctl.sandbox.apiserver.validation.kubernetes.definitions import (
    GVK,
    INT_OR_STRING,
    QUANTITY,
    REF,
    Node,
    definitions,
)
from meshctl.sandbox.apiserver.validation.openapi.operations import PRODUCES, Operation, Parameter, operations
from meshctl.sandbox.apiserver.validation.openapi.served import (
    DELETE_OPTIONS,
    TITLE,
    Served,
    custom_definitions,
    root,
)

_COMPONENTS = "#/components/schemas/"
_EITHER: dict[str, dict[str, Any]] = {
    INT_OR_STRING: {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
    QUANTITY: {"oneOf": [{"type": "string"}, {"type": "number"}]},
}


def document(group: str, version: str, served: Sequence[Served]) -> dict[str, Any]:
    """The document of one group version, with the definitions that it needs."""
    here = [each for each in served if (each.group, each.version) == (group, version)]
    known: dict[str, Node] = dict(definitions())
    for each in here:
        if each.definition is not None:
            known |= dict(custom_definitions(each))
    paths: dict[str, Any] = {f"{root(group, version)}/": {"get": _listing(group, version)}}
    roots = {DELETE_OPTIONS}
    for each in here:
        for path, parameters, found in operations(each):
            paths[path] = {operation.method: _operation(operation) for operation in found}
            paths[path]["parameters"] = [_parameter(parameter) for parameter in parameters]
            roots |= {name for operation in found for name in (operation.result, operation.body) if name}
    names = sorted(_reachable(known, roots))
    return {
        "openapi": "3.0.0",
        "info": TITLE,
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": {name: component(name, known[name]) for name in names}},
    }


def component(name: str, node: Node) -> dict[str, Any]:
    """A definition as v3 has it."""
    made = _converted(node)
    if name in _EITHER:
        made.pop("type", None)
        made |= _EITHER[name]
    return made


def _converted(node: Node) -> dict[str, Any]:
    kept = {key: value for key, value in node.items() if key != "$ref"}
    if "$ref" in node:
        reference = {"$ref": node["$ref"].replace(REF, _COMPONENTS)}
        return {**kept, "allOf": [reference]} if kept else reference
    if isinstance(kept.get("properties"), Mapping):
        kept["properties"] = {name: _converted(part) for name, part in kept["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(kept.get(key), Mapping):
            kept[key] = _converted(kept[key])
    return kept


def _reachable(known: Mapping[str, Node], roots: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = [name for name in roots if name in known]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [each for each in _references(known[name]) if each in known]
    return found


def _references(node: Any) -> list[str]:
    if isinstance(node, Mapping):
        own = [str(node["$ref"]).removeprefix(REF)] if isinstance(node.get("$ref"), str) else []
        return own + [name for part in node.values() for name in _references(part)]
    if isinstance(node, list):
        return [name for part in node for name in _references(part)]
    return []


def _parameter(parameter: Parameter) -> dict[str, Any]:
    node: dict[str, Any] = {"name": parameter.name, "in": parameter.place, "description": parameter.description}
    if parameter.place == "path":
        node["required"] = True
    return node | {"schema": {"type": parameter.type, "uniqueItems": True}}


def _operation(operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.identity,
        "parameters": [_parameter(each) for each in operation.parameters],
        "responses": {"200": _answer(operation.result), "401": {"description": "Unauthorized"}},
        "x-kubernetes-action": operation.action,
        GVK: operation.kind,
    }
    if operation.body:
        content = {"schema": {"$ref": f"{_COMPONENTS}{operation.body}"}}
        made["requestBody"] = {"content": dict.fromkeys(operation.patches or ("*/*",), content), "required": True}
    return made


def _answer(name: str) -> dict[str, Any]:
    content = {"schema": {"$ref": f"{_COMPONENTS}{name}"}}
    return {"description": "OK", "content": dict.fromkeys(PRODUCES, content)}


def _listing(group: str, version: str) -> dict[str, Any]:
    area = "".join(part.capitalize() for part in group.removesuffix(".k8s.io").split(".")) or "Core"
    return {
        "description": "get available resources",
        "operationId": f"get{area}{version.capitalize()}APIResources",
        "responses": {"200": {"description": "OK"}, "401": {"description": "Unauthorized"}},
    }
