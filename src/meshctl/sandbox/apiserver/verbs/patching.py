"""patch: JSON patch, merge patch, strategic merge patch, and server-side apply."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from aiohttp import web

from meshctl.sandbox.apiserver import body, negotiation, patches, writing
from meshctl.sandbox.apiserver.body import Body
from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.conformity import Mistyped
from meshctl.sandbox.apiserver.failure import Cause, Failure, invalid, quote, unsupported_patch
from meshctl.sandbox.apiserver.options import WriteOptions, write_options
from meshctl.sandbox.apiserver.patch import gotext
from meshctl.sandbox.apiserver.patches import APPLY, JSON, MERGE, STRATEGIC
from meshctl.sandbox.apiserver.representation import load, typed
from meshctl.sandbox.apiserver.storage.revision import Stored, dump
from meshctl.sandbox.apiserver.verbs import decoding, shown
from meshctl.sandbox.apiserver.verbs.updating import check_name, repeated
from meshctl.sandbox.apiserver.writing import Writing

Object = dict[str, Any]

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "application/json-patch+json": JSON,
        "application/merge-patch+json": MERGE,
        "application/strategic-merge-patch+json": STRATEGIC,
        "application/apply-patch+yaml": APPLY,
    }
)
CUSTOM_KINDS = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
_UNFIT = re.compile(r"json: cannot unmarshal (\w+)(?: \S+)? into Go .* of type (\S+)")


async def patch(call: Call) -> web.Response:
    """PATCH of an object or its status."""
    media = call.media()
    kind = patch_kind(call)
    options = write_options(call.query, "PatchOptions", kind == APPLY)
    data = await body.read(call.request)
    if kind == APPLY:
        stored, created = await repeated(lambda: _apply(call, data, options))
    else:
        stored, created = await repeated(lambda: _change(call, kind, data, options)), False
    return shown.one(call, stored, media, 201 if created else 200)


def patch_kind(call: Call) -> str:
    """What the Content-Type says of the patch; Failure 415. Custom resources have no strategic merge."""
    header = call.request.headers.get("Content-Type", "").partition(";")[0].strip()
    kind = KINDS.get(header, "")
    if kind and not (kind == STRATEGIC and call.resource.custom):
        return kind
    if not call.resource.custom:
        raise unsupported_patch()
    message = f"the body of the request was in an unknown format - accepted media types include: {CUSTOM_KINDS}"
    raise Failure(415, "UnsupportedMediaType", message)


async def _change(call: Call, kind: str, data: bytes, options: WriteOptions) -> Stored:
    """Patch the stored object."""
    stored = call.current()
    patched, complaints = patches.patched(call.resource, load(call.resource, stored), kind, data)
    text = dump(dict(sorted(patched.items()))).decode()
    if kind == STRATEGIC:
        text = gotext.plain(body.decode(data, negotiation.JSON, "").obj)
    obj = _checked(call, Body(patched, tuple(complaints)), options.validation, text)
    check_name(call, obj)
    call.check_namespace(obj)
    writes = Writing(
        call.manager(options.manager), options.dry_run, call.target.subresource, call.warnings, call.user.info
    )
    return await writing.update(call.api, call.resource, obj, stored, writes)


def _checked(call: Call, patched: Body, validation: str, text: str) -> Object:
    """The patched object, decoded and defaulted; Failure 422 on the field `patch`, whose value is `text`."""
    try:
        decoding.check_same_kind(call.resource, patched.obj)
        problems = decoding.strict_problems(call.resource, patched.obj, patched)
        obj = decoding.of_kind(call.resource, patched.obj)
    except Mistyped as error:
        raise _unfit(text, _reworded(str(error)) if text.startswith("map[") else str(error)) from None
    if problems and validation == "Strict":
        raise _unfit(text, "strict decoding error: " + ", ".join(problems))
    if validation == "Warn":
        call.warnings += problems
    return obj


def _reworded(message: str) -> str:
    """A decoding error as the converter of strategic merge patches words it."""
    match = _UNFIT.fullmatch(message)
    if not match:
        return message
    given, wanted = match.groups()
    for prefix, kind in (("map[", "map"), ("[]", "slice")):
        if wanted.startswith(prefix):
            return f"cannot restore {kind} from {given}"
    return f"cannot restore struct from: {given}" if "." in wanted else f"unrecognized type: {wanted}"


def _unfit(text: str, message: str) -> Failure:
    return invalid("", "", "", [Cause("patch", "FieldValueInvalid", f"Invalid value: {quote(text)}: {message}")])


async def _apply(call: Call, data: bytes, options: WriteOptions) -> tuple[Stored, bool]:
    """Server-side apply; true if the object was created."""
    stored = call.api.store.get(call.resource.storage, call.key)
    if stored is None and call.target.subresource:
        raise call.missing()
    body.check_unfolding(data)
    config, complaints = patches.configuration(data)
    _complain(call, complaints, options.validation)
    old = load(call.resource, stored) if stored else None
    merged = patches.applied(call.resource, old, config, options.manager, options.force, call.target.subresource)
    obj = decoding.of_kind(call.resource, typed(call.resource, merged))
    check_name(call, obj)
    call.check_namespace(obj)
    writes = Writing(options.manager, options.dry_run, call.target.subresource, call.warnings, call.user.info)
    if stored is None:
        return await writing.insert(call.api, call.resource, obj, writes, tracked=False), True
    return await writing.update(call.api, call.resource, obj, stored, writes, tracked=False), False


def _complain(call: Call, complaints: list[str], validation: str) -> None:
    if complaints and validation == "Strict":
        raise decoding.cannot_handle(call.resource, "strict decoding error: " + ", ".join(complaints))
    if validation == "Warn":
        call.warnings += complaints
