"""What all reviews share: reading the question, wording the answer."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from meshctl.sandbox.apiserver import body, reply, tracking
from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.failure import Cause, Failure, invalid
from meshctl.sandbox.apiserver.options import write_options
from meshctl.sandbox.apiserver.representation import ordered

Object = dict[str, Any]


async def question(call: Call) -> Object:
    """The review as sent, with its fields tracked; Failure 400."""
    options = write_options(call.query, "CreateOptions")
    media = body.media_type(call.request.headers.get("Content-Type"))
    given = body.decode(await body.read(call.request), media, call.resource.kind).obj
    metadata = {"namespace": call.target.namespace} if call.resource.namespaced else {}
    obj: Object = {
        "kind": call.resource.kind,
        "apiVersion": call.resource.group_version,
        "metadata": metadata,
    }
    obj["spec"] = given.get("spec") if isinstance(given.get("spec"), dict) else {}
    tracking.track(call.resource, obj, None, call.manager(options.manager))
    return obj


def answer(call: Call, obj: Object, status: Object) -> web.Response:
    """The review with its status."""
    obj["metadata"] = ordered(obj["metadata"])
    return reply.value(obj | {"status": status}, call.media(), 201, call.warnings)


def refused(call: Call, field: str, value: str, message: str) -> Failure:
    """422 on one field of a review, which has no name and, as the original words it, no kind."""
    cause = Cause(field, "FieldValueInvalid", f"Invalid value: {value}: {message}")
    return invalid(call.resource.group, "", "", [cause])
