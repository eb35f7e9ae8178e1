"""/scale: the replica count of anything that has one, as one kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from meshctl.sandbox.apiserver import body, golang, patches, reply, tracking, writing
from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.failure import Cause, bad_request, invalid, modified
from meshctl.sandbox.apiserver.options import WriteOptions, write_options
from meshctl.sandbox.apiserver.patch import scale as ownership
from meshctl.sandbox.apiserver.patches import APPLY, MERGE
from meshctl.sandbox.apiserver.representation import load, ordered
from meshctl.sandbox.apiserver.resources.resource import Resource
from meshctl.sandbox.apiserver.storage.revision import Stored
from meshctl.sandbox.apiserver.verbs.patching import patch_kind
from meshctl.sandbox.apiserver.writing import Writing

Object = dict[str, Any]

GROUP, VERSION, KIND = "autoscaling", "v1", "Scale"
SHOWN = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
SCALE = Resource(GROUP, VERSION, "scale", KIND)


async def get(call: Call) -> web.Response:
    """GET of a scale."""
    media = call.media()
    return reply.value(_scale(call.resource, load(call.resource, call.current())), media, 200, call.warnings)


async def update(call: Call) -> web.Response:
    """PUT of a scale."""
    options = write_options(call.query, "UpdateOptions")
    media = body.media_type(call.request.headers.get("Content-Type"))
    given = body.decode(await body.read(call.request), media, KIND).obj
    return await _rescale(call, call.current(), given, options)


async def patch(call: Call) -> web.Response:
    """PATCH of a scale."""
    kind = patch_kind(call)
    options = write_options(call.query, "PatchOptions", kind == APPLY)
    data = await body.read(call.request)
    stored = call.current()
    scale = _scale(call.resource, load(call.resource, stored))
    patched, _ = patches.patched(SCALE, scale, MERGE if kind == APPLY else kind, data)
    return await _rescale(call, stored, patched, options)


async def _rescale(call: Call, stored: Stored, scale: Object, options: WriteOptions) -> web.Response:
    replicas = _checked(call, scale)
    obj = load(call.resource, stored)
    before = _scale(call.resource, obj)
    given = (scale.get("metadata") or {}).get("resourceVersion")
    if given and given != obj["metadata"]["resourceVersion"]:
        raise modified(call.resource.group, call.resource.plural, call.target.name)
    _set(obj, _spec_path(call.resource), replicas)
    writes = Writing(call.manager(options.manager), options.dry_run, "scale", call.warnings)
    _track(call.resource, obj, before, writes.manager)
    after = await writing.update(call.api, call.resource, obj, stored, writes, tracked=False)
    return reply.value(_scale(call.resource, load(call.resource, after)), call.media(), 200, call.warnings)


def _track(resource: Resource, obj: Object, before: Object, manager: str) -> None:
    """Note who set the count: tracked on the Scale, then brought back to its object."""
    steps = tuple(f"f:{step}" for step in _spec_path(resource).strip(".").split("."))
    paths, owners = {resource.group_version: steps}, obj["metadata"].get("managedFields") or []
    after = _scale(resource, obj)
    for scale in (before, after):
        scale["metadata"]["managedFields"] = ownership.to_scale(owners, paths)
    tracking.track(SCALE, after, before, manager, "scale")
    tracked = after["metadata"].get("managedFields") or []
    obj["metadata"]["managedFields"] = ownership.to_parent(owners, tracked, resource.group_version, paths)


def _checked(call: Call, scale: Object) -> int:
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        kind = golang.json_kind(replicas)
        message = f"json: cannot unmarshal {kind} into Go struct field ScaleSpec.spec.replicas of type int32"
        raise bad_request(f'Scale in version "v1" cannot be handled as a Scale: {message}')
    if replicas < 0:
        message = f"Invalid value: {replicas}: must be greater than or equal to 0"
        raise invalid(GROUP, KIND, call.target.name, [Cause("spec.replicas", "FieldValueInvalid", message)])
    return replicas


def _scale(resource: Resource, obj: Mapping[str, Any]) -> Object:
    metadata = {name: obj["metadata"][name] for name in SHOWN if name in obj["metadata"]}
    spec, status = (
        {"replicas": _at(obj, _spec_path(resource)) or 0},
        {"replicas": _at(obj, _status_path(resource)) or 0},
    )
    if selector := _selector(resource, obj):
        status["selector"] = selector
    shown = {"kind": KIND, "apiVersion": f"{GROUP}/{VERSION}", "metadata": ordered(metadata)}
    return shown | {"spec": _omit_zero(spec), "status": status}


def _omit_zero(spec: Object) -> Object:
    return {key: value for key, value in spec.items() if value}


def _paths(resource: Resource) -> Mapping[str, str]:
    return ((resource.definition or {}).get("subresources") or {}).get("scale") or {}


def _spec_path(resource: Resource) -> str:
    return _paths(resource).get("specReplicasPath", ".spec.replicas")


def _status_path(resource: Resource) -> str:
    return _paths(resource).get("statusReplicasPath", ".status.replicas")


def _selector(resource: Resource, obj: Mapping[str, Any]) -> str:
    if resource.custom:
        path = _paths(resource).get("labelSelectorPath")
        return str(_at(obj, path) or "") if path else ""
    selector = (obj.get("spec") or {}).get("selector") or {}
    equal = selector if resource.kind == "ReplicationController" else selector.get("matchLabels") or {}
    parts = [f"{key}={value}" for key, value in equal.items()]
    parts += [_expression(one) for one in selector.get("matchExpressions") or ()]
    return ",".join(sorted(parts))


def _expression(expression: Mapping[str, Any]) -> str:
    key, operator = expression["key"], expression["operator"]
    if operator in ("Exists", "DoesNotExist"):
        return key if operator == "Exists" else f"!{key}"
    values = ",".join(sorted(expression.get("values") or ()))
    return f"{key} {operator.lower()} ({values})"


def _at(obj: Mapping[str, Any], path: str) -> Any:
    found: Any = obj
    for step in path.strip(".").split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _set(obj: Object, path: str, value: int) -> None:
    *steps, last = path.strip(".").split(".")
    for step in steps:
        obj = obj.setdefault(step, {})
    obj[last] = value
