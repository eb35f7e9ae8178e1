"""JSON Patch (RFC 6902) as the API server applies it, with the liberties of evanphx/json-patch v4.

Indices may count from the end, `replace` may create a key, and `test` takes a missing key for null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from meshctl.sandbox.apiserver.patch.refusal import too_large, unprocessable
from meshctl.sandbox.apiserver.patch.values import MISSING, copy, same

MAX_OPERATIONS = 10000
Container = dict[str, Any] | list[Any]
Operation = Mapping[str, Any]


class DoesNotApply(Exception):
    """An operation that does not fit the document, with the reason that the API server keeps to itself."""


def json_patch(doc: Any, operations: Sequence[Operation]) -> Any:
    """The patched document; PatchRefused (422) if an operation does not fit or a test fails, 413 above 10,000."""
    if len(operations) > MAX_OPERATIONS:
        allowed = f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(operations)}"
        raise too_large(allowed)
    result = copy(doc)
    try:
        for operation in operations:
            result = apply_operation(result, operation)
    except DoesNotApply as error:
        raise unprocessable() from error
    return result


def apply_operation(doc: Any, operation: Operation) -> Any:
    """The document after one operation, changed in place; DoesNotApply says why not."""
    kind = operation.get("op")
    if not isinstance(kind, str) or kind not in STEPS:
        raise DoesNotApply(f"Unexpected kind: {kind if isinstance(kind, str) else 'unknown'}")
    return STEPS[kind](doc, operation)


def _add(doc: Any, operation: Operation) -> Any:
    _insert(doc, _pointer(operation, "path"), copy(operation.get("value")))
    return doc


def _remove(doc: Any, operation: Operation) -> Any:
    container, key = _locate(doc, _pointer(operation, "path"))
    _delete(container, key)
    return doc


def _replace(doc: Any, operation: Operation) -> Any:
    path, value = _pointer(operation, "path"), copy(operation.get("value"))
    if path == "":
        if not isinstance(value, dict | list):
            raise DoesNotApply("replace operation value must be object or array")
        return value
    container, key = _locate(doc, path)
    if isinstance(container, dict):
        container[key] = value
    else:
        container[_index(key, len(container))] = value
    return doc


def _move(doc: Any, operation: Operation) -> Any:
    container, key = _locate(doc, _pointer(operation, "from"))
    value = _get(container, key)
    _delete(container, key)
    _insert(doc, _pointer(operation, "path"), value)
    return doc


def _copy(doc: Any, operation: Operation) -> Any:
    container, key = _locate(doc, _pointer(operation, "from"))
    value = _get(container, key)
    _insert(doc, _pointer(operation, "path"), None if value is MISSING else copy(value))
    return doc


def _test(doc: Any, operation: Operation) -> Any:
    path = _pointer(operation, "path")
    found = doc if path == "" else _get(*_locate(doc, path))
    if not same(None if found is MISSING else found, operation.get("value")):
        raise DoesNotApply(f"testing value {path} failed: test failed")
    return doc


STEPS: Mapping[str, Callable[[Any, Operation], Any]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}


def _pointer(operation: Operation, name: str) -> str:
    pointer = operation.get(name)
    if not isinstance(pointer, str):
        raise DoesNotApply(f"operation missing {name} field: missing value")
    return pointer


def _locate(doc: Any, pointer: str) -> tuple[Container, str]:
    """The container that the pointer's last key belongs to, and that key."""
    _, *steps = pointer.split("/")
    if not steps:
        raise DoesNotApply(f'doc is missing path: "{pointer}": missing value')
    *parents, key = (step.replace("~1", "/").replace("~0", "~") for step in steps)
    for step in parents:
        doc = _get(doc, step)
        if not isinstance(doc, dict | list):
            raise DoesNotApply(f'doc is missing path: "{pointer}": missing value')
    return doc, key


def _get(container: Container, key: str) -> Any:
    return container.get(key, MISSING) if isinstance(container, dict) else container[_index(key, len(container))]


def _insert(doc: Any, pointer: str, value: Any) -> None:
    container, key = _locate(doc, pointer)
    value = None if value is MISSING else value
    if isinstance(container, dict):
        container[key] = value
    elif key == "-":
        container.append(value)
    else:
        container.insert(_index(key, len(container) + 1), value)


def _delete(container: Container, key: str) -> None:
    if isinstance(container, list):
        del container[_index(key, len(container))]
    elif container.pop(key, MISSING) is MISSING:
        raise DoesNotApply(f"Unable to remove nonexistent key: {key}: missing value")


def _index(key: str, length: int) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", key):
        raise DoesNotApply(f"value was not a proper array index: '{key}'")
    index = int(key)
    if not -length <= index < length:
        raise DoesNotApply(f"Unable to access invalid index: {index}: invalid index referenced")
    return index % length
