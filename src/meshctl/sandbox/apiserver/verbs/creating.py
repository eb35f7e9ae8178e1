"""create."""

from __future__ import annotations

from aiohttp import web

from meshctl.sandbox.apiserver import writing
from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.options import write_options
from meshctl.sandbox.apiserver.verbs import decoding, shown
from meshctl.sandbox.apiserver.writing import Writing


async def create(call: Call) -> web.Response:
    """POST to a collection."""
    media = call.media()
    options = write_options(call.query, "CreateOptions")
    obj = await decoding.requested(call, options.validation)
    call.check_namespace(obj)
    if call.resource.kind == "CertificateSigningRequest":
        obj["spec"] = (obj.get("spec") or {}) | call.user.info
    writes = Writing(call.manager(options.manager), options.dry_run, warnings=call.warnings)
    stored = writing.insert(call.api, call.resource, obj, writes)
    return shown.one(call, stored, media, 201)
