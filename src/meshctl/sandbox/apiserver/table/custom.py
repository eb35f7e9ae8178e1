"""Columns of custom resources: additionalPrinterColumns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from meshctl.sandbox.apiserver import clock
from meshctl.sandbox.apiserver.resources.resource import Resource
from meshctl.sandbox.apiserver.table.jsonpath import Path

Object = dict[str, Any]

AGE = {
    "name": "Age",
    "type": "date",
    "jsonPath": ".metadata.creationTimestamp",
    "description": "CreationTimestamp is a timestamp representing the server time when this object was created. It is "
    "not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It "
    "is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
}


def _additional(resource: Resource) -> Sequence[Mapping[str, Any]]:
    return (resource.definition or {}).get("additionalPrinterColumns") or (AGE,)


def columns(name: Object, resource: Resource) -> list[Object]:
    """Column definitions: the name, then those of the definition, or the age."""
    return [name, *(_column(one) for one in _additional(resource))]


def _column(given: Mapping[str, Any]) -> Object:
    path = given["jsonPath"]
    description = given.get("description") or f"Custom resource definition column (in JSONPath format): {path}"
    column = {"name": given["name"], "type": given["type"], "format": given.get("format", "")}
    return column | {"description": description, "priority": given.get("priority", 0)}


def cells(resource: Resource) -> Callable[[Mapping[str, Any]], list[Any]]:
    """The cells of an object of this kind."""
    columns = [(Path(one["jsonPath"]), one["type"]) for one in _additional(resource)]

    def row(obj: Mapping[str, Any]) -> list[Any]:
        return [obj["metadata"].get("name", ""), *(_cell(path.find(obj), kind) for path, kind in columns)]

    return row


def _cell(found: list[Any], kind: str) -> Any:
    """apiextensions-apiserver, tableconvertor, cellForJSONValue: what is not of the column's type stays empty."""
    if not found:
        return None
    value = found[0]
    if kind == "date":
        return clock.age(value) if isinstance(value, str) else None
    if kind == "string":
        return ",".join(_text(one) for one in found)
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return (int(value) if kind == "integer" else float(value)) if number else None


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        from meshctl.sandbox.apiserver.storage.revision import dump

        return dump(value).decode()  # type: ignore[arg-type]
    return str(value)
