"""Objects out of request bodies, checked against the kind that the path stands for."""

from __future__ import annotations

from typing import Any

from meshctl.sandbox.apiserver import body, conformity, validation
from meshctl.sandbox.apiserver.body import Body
from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.conformity import Mistyped
from meshctl.sandbox.apiserver.failure import Failure, bad_request, quote
from meshctl.sandbox.apiserver.representation import typed
from meshctl.sandbox.apiserver.resources.resource import Resource

Object = dict[str, Any]

NO_CONVERSION = 'no kind "{0}" is registered for version "{1}" in scheme "pkg/runtime/scheme.go:111"'


async def requested(call: Call, validation: str) -> Object:
    """The object in the request's body, decoded and defaulted; Failure 400, 413, 415."""
    media = body.media_type(call.request.headers.get("Content-Type"))
    data = await body.read(call.request)
    return decoded(call, body.decode(data, media, call.resource.kind), validation)


def decoded(call: Call, given: Body, validation: str) -> Object:
    """The object as the kind of the path; Failure 400. Without kind and apiVersion it is taken as that kind."""
    resource, obj = call.resource, given.obj
    _check_kind(call, obj)
    try:
        problems = strict_problems(resource, obj, given)
        obj = of_kind(resource, obj)
    except Mistyped as error:
        raise cannot_handle(resource, str(error)) from None
    if problems and validation == "Strict":
        raise cannot_handle(resource, "strict decoding error: " + ", ".join(problems))
    if validation == "Warn":
        call.warnings += problems
    return obj


def of_kind(resource: Resource, obj: Object) -> Object:
    """The object with its kind and apiVersion, decoded and defaulted; raises Mistyped."""
    named = {"kind": resource.kind, "apiVersion": resource.group_version}
    decoded = conformity.decoded(resource, named | {key: obj[key] for key in obj if key not in named})
    return typed(resource, decoded)


def check_same_kind(resource: Resource, obj: Object) -> None:
    """A patch may not make another kind of an object; raises Mistyped."""
    kind, api_version = obj.get("kind"), str(obj.get("apiVersion", ""))
    if (kind, api_version) != (resource.kind, resource.group_version):
        validation.decoded(obj)
        raise Mistyped(_other_kind(resource, api_version.rpartition("/")[2], str(kind)))


def strict_problems(resource: Resource, obj: Object, given: Body) -> list[str]:
    """What strict decoding objects to: duplicate and unknown fields."""
    named = obj | {"kind": resource.kind, "apiVersion": resource.group_version}
    unknown = [f"unknown field {quote(path)}" for path in conformity.unknown_fields(resource, named)]
    return [*given.complaints, *unknown]


def cannot_handle(resource: Resource, message: str) -> Failure:
    """400: the body is of the kind, but cannot be decoded into it."""
    kind = resource.kind
    return bad_request(f"{kind} in version {quote(resource.version)} cannot be handled as a {kind}: {message}")


def _check_kind(call: Call, obj: Object) -> None:
    resource = call.resource
    kind, api_version = obj.get("kind") or resource.kind, obj.get("apiVersion") or resource.group_version
    if (kind, api_version) == (resource.kind, resource.group_version):
        return
    if not isinstance(kind, str) or not isinstance(api_version, str):
        raise bad_request("couldn't get version/kind; json parse error: json: cannot unmarshal into Go struct field")
    group, _, version = api_version.rpartition("/")
    known = call.api.catalog.kind(group, version, kind)
    if resource.custom or (known and known.custom):
        raise bad_request(_other_version(resource, kind, api_version))
    raise bad_request(
        f"{kind} in version {quote(version)} cannot be handled as a {resource.kind}: "
        + (_other_kind(resource, version, kind) if known else NO_CONVERSION.format(kind, api_version))
    )


def _other_kind(resource: Resource, version: str, kind: str) -> str:
    ours = resource.group.partition(".")[0] or "core"
    return f"converting ({version}.{kind}) to ({ours}.{resource.kind}): unknown conversion"


def _other_version(resource: Resource, kind: str, api_version: str) -> str:
    if kind != resource.kind:
        return f"the kind in the data ({kind}) does not match the expected kind ({resource.kind})"
    return (
        f"the API version in the data ({api_version}) does not match the expected API version"
        f" ({resource.group_version})"
    )
