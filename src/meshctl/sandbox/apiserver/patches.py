"""The patch types, applied to an object."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.apiserver.failure import bad_request, rejected
from meshctl.sandbox.apiserver.resources.resource import Resource

Object = dict[str, Any]


def patched(resource: Resource, old: Object, kind: str, change: Any) -> Object:
    """The object after a `json`, `merge` or `strategic` patch; Failure 400 or 422."""
    del resource
    if kind == "json":
        if not isinstance(change, list):
            raise bad_request(
                "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
            )
        raise rejected()
    return _merged(copy.deepcopy(old), change)


def _merged(target: Any, change: Any) -> Any:
    if not isinstance(change, dict):
        return change
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result


def applied(
    resource: Resource, live: Object | None, config: Object, manager: str, force: bool, subresource: str
) -> Mapping[str, Any]:
    """The object after server-side apply; Failure 400, 409 or 500."""
    del resource, manager, force, subresource
    return _merged(copy.deepcopy(live or {}), config)
