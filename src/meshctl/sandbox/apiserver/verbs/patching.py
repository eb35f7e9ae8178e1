"""patch: JSON patch, merge patch, strategic merge patch, and server-side apply."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from aiohttp import web

from meshctl.sandbox.apiserver import body, patches, writing
from meshctl.sandbox.apiserver.body import Body, Undecodable
from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.conformity import Mistyped
from meshctl.sandbox.apiserver.failure import Cause, Failure, bad_request, invalid, quote, unsupported_patch
from meshctl.sandbox.apiserver.options import WriteOptions, write_options
from meshctl.sandbox.apiserver.representation import load, typed
from meshctl.sandbox.apiserver.storage.revision import Stored, dump
from meshctl.sandbox.apiserver.verbs import decoding, shown
from meshctl.sandbox.apiserver.verbs.updating import check_name
from meshctl.sandbox.apiserver.writing import Writing

Object = dict[str, Any]

JSON, MERGE, STRATEGIC, APPLY = "json", "merge", "strategic", "apply"
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "application/json-patch+json": JSON,
        "application/merge-patch+json": MERGE,
        "application/strategic-merge-patch+json": STRATEGIC,
        "application/apply-patch+yaml": APPLY,
    }
)


async def patch(call: Call) -> web.Response:
    """PATCH of an object or its status."""
    media = call.media()
    kind = patch_kind(call)
    options = write_options(call.query, "PatchOptions", kind == APPLY)
    data = await body.read(call.request)
    stored, created = apply_(call, data, options) if kind == APPLY else change(call, kind, data, options)
    return shown.one(call, stored, media, 201 if created else 200)


def patch_kind(call: Call) -> str:
    """What the Content-Type says of the patch; Failure 415. Custom resources have no strategic merge."""
    header = call.request.headers.get("Content-Type", "").partition(";")[0].strip()
    kind = KINDS.get(header, "")
    if not kind or (kind == STRATEGIC and call.resource.custom):
        raise unsupported_patch() if not call.resource.custom else _unsupported_for_custom()
    return kind


def _unsupported_for_custom() -> Failure:
    accepted = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
    message = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
    return Failure(415, "UnsupportedMediaType", message)


def parsed(data: bytes) -> Any:
    """A patch document; Failure 400."""
    try:
        value, _ = body.parse_json(data)
    except Undecodable as error:
        raise bad_request(f"error decoding patch: {error}") from None
    return value


def change(call: Call, kind: str, data: bytes, options: WriteOptions) -> tuple[Stored, bool]:
    """Patch the stored object; the second value says that it was not created."""
    stored = call.current()
    old = load(call.resource, stored)
    patched = patches.patched(call.resource, old, kind, parsed(data))
    obj = checked(call, patched, options.validation)
    check_name(call, obj)
    call.check_namespace(obj)
    writes = Writing(call.manager(options.manager), options.dry_run, call.target.subresource, call.warnings)
    return writing.update(call.api, call.resource, obj, stored, writes), False


def checked(call: Call, patched: Object, validation: str) -> Object:
    """The patched object, decoded and defaulted; Failure 422 on the field `patch`."""
    text = dump(patched).decode()
    try:
        problems = decoding.strict_problems(call.resource, patched, Body(patched))
        obj = decoding.decoded(call, Body(patched), "Ignore")
    except Mistyped as error:
        raise _unfit(text, str(error)) from None
    if problems and validation == "Strict":
        raise _unfit(text, "strict decoding error: " + ", ".join(problems))
    if validation == "Warn":
        call.warnings += problems
    return obj


def _unfit(text: str, message: str) -> Failure:
    return invalid("", "", "", [Cause("patch", "FieldValueInvalid", f"Invalid value: {quote(text)}: {message}")])


def apply_(call: Call, data: bytes, options: WriteOptions) -> tuple[Stored, bool]:
    """Server-side apply; true if the object was created."""
    stored = call.api.store.get(call.resource.storage, call.key)
    if stored is None and call.target.subresource:
        raise call.missing()
    config = _configuration(data)
    old = load(call.resource, stored) if stored else None
    merged = patches.applied(call.resource, old, config, options.manager, options.force, call.target.subresource)
    obj = decoding.decoded(call, Body(typed(call.resource, merged)), "Ignore")
    check_name(call, obj)
    call.check_namespace(obj)
    writes = Writing(options.manager, options.dry_run, call.target.subresource, call.warnings)
    if stored is None:
        return writing.insert(call.api, call.resource, obj, writes, tracked=False), True
    return writing.update(call.api, call.resource, obj, stored, writes, tracked=False), False


def _configuration(data: bytes) -> Object:
    try:
        config, _ = body.parse_yaml(data)
    except Undecodable as error:
        raise bad_request(f"error decoding YAML: {error}") from None
    if not isinstance(config, dict):
        raise bad_request("error decoding YAML: json: cannot unmarshal into Go value of type map[string]interface {}")
    return config
