"""Namespaces: /finalize."""

from __future__ import annotations

from aiohttp import web

from meshctl.sandbox.apiserver import writing
from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.options import write_options
from meshctl.sandbox.apiserver.representation import load, stored_form
from meshctl.sandbox.apiserver.verbs import decoding, shown
from meshctl.sandbox.apiserver.verbs.updating import check_name


async def finalize(call: Call) -> web.Response:
    """PUT of a namespace's finalizers; without the last one a namespace that is being deleted goes."""
    media = call.media()
    options = write_options(call.query, "UpdateOptions")
    given = await decoding.requested(call, options.validation)
    check_name(call, given)
    stored = call.current()
    obj = load(call.resource, stored)
    obj["spec"] = {"finalizers": list((given.get("spec") or {}).get("finalizers") or ())}
    if not obj["spec"]["finalizers"]:
        obj["spec"] = {}
    store, key, kept = call.api.store, stored.key, stored_form(call.resource, obj)
    if options.dry_run:
        return shown.one(call, stored, media)
    finished = writing.is_finished(obj)
    after = (
        store.remove("namespaces", key, kept, stored) if finished else store.replace("namespaces", key, kept, stored)
    )
    return shown.one(call, after, media)
