"""Table objects: which columns a kind has, and one row for each object."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from functools import cache
from importlib.resources import files
from typing import Any

from meshctl.sandbox.apiserver.failure import bad_request, quote
from meshctl.sandbox.apiserver.resources.resource import Resource
from meshctl.sandbox.apiserver.table import custom
from meshctl.sandbox.apiserver.table.cells import CELLS

Object = dict[str, Any]
Cells = Callable[[Mapping[str, Any]], list[Any]]


class Included(Enum):
    """How much of its object a row carries."""

    METADATA = "Metadata"
    OBJECT = "Object"
    NONE = "None"


def included(text: str) -> Included:
    """The parameter includeObject; Failure 400."""
    try:
        return Included(text or "Metadata")
    except ValueError:
        message = f"includeObject: Invalid value: {quote(text)}: must be 'Metadata', 'Object', 'None', or empty"
        raise bad_request(f"Unable to convert to Table as requested: {message}") from None


def table(
    resource: Resource, objects: Iterable[Object], metadata: Object, include: Included, version: str = "v1"
) -> Object:
    """A Table of objects; without rows it still has its columns."""
    row = row_of(resource, include, version)
    rows = [row(obj) for obj in objects]
    head = {"kind": "Table", "apiVersion": f"meta.k8s.io/{version}", "metadata": metadata}
    return head | {"columnDefinitions": columns(resource), "rows": rows}


def row_of(resource: Resource, include: Included, version: str) -> Callable[[Object], Object]:
    """The function from an object to its row."""
    cells = _cells_of(resource)
    return lambda obj: {"cells": cells(obj), "object": _included(obj, include, version)}


def _included(obj: Object, include: Included, version: str) -> Object | None:
    if include is Included.OBJECT:
        return obj
    if include is Included.NONE:
        return None
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": obj["metadata"],
    }


def columns(resource: Resource) -> list[Object]:
    """The column definitions of a kind."""
    if resource.custom:
        return custom.columns(_definition("Name"), resource)
    return [_definition(*_reference(entry)) for entry in _entries(resource)]


def _entries(resource: Resource) -> Sequence[Any]:
    known = _known()["kinds"]
    return known.get(resource.storage or resource.plural) or known[""]  # type: ignore[no-any-return]


def _reference(entry: Any) -> tuple[Any, ...]:
    return (entry,) if isinstance(entry, str) else tuple(entry)


def _definition(*entry: Any) -> Object:
    name, kind, form, priority, description = _known()[entry[0]] if len(entry) == 1 else entry
    return {"name": name, "type": kind, "format": form, "description": description, "priority": priority}


@cache
def _known() -> Mapping[str, Any]:
    """Columns and their descriptions, from kube-apiserver 1.36 and its API documentation."""
    loaded: Mapping[str, Any] = json.loads(files(__package__).joinpath("columns.json").read_text())
    return loaded


def _cells_of(resource: Resource) -> Cells:
    """The function from an object to its cells."""
    if resource.custom:
        return custom.cells(resource)
    return CELLS.get(resource.storage or resource.plural, _plain)


def _plain(obj: Mapping[str, Any]) -> list[Any]:
    return [obj["metadata"].get("name", ""), obj["metadata"].get("creationTimestamp")]
