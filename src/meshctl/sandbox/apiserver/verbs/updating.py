"""update."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from meshctl.sandbox.apiserver import writing
from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.failure import bad_request
from meshctl.sandbox.apiserver.options import WriteOptions, write_options
from meshctl.sandbox.apiserver.storage.revision import Stored
from meshctl.sandbox.apiserver.strategy.strategies import strategy_of
from meshctl.sandbox.apiserver.verbs import decoding, shown
from meshctl.sandbox.apiserver.writing import Writing

Object = dict[str, Any]


async def update(call: Call) -> web.Response:
    """PUT of an object or its status."""
    media = call.media()
    options = write_options(call.query, "UpdateOptions")
    obj = await decoding.requested(call, options.validation)
    check_name(call, obj)
    call.check_namespace(obj)
    stored, created = put(call, obj, options)
    return shown.one(call, stored, media, 201 if created else 200)


def check_name(call: Call, obj: Object) -> None:
    """The object's name must be the path's, which it takes on if it has none; Failure 400."""
    metadata = obj.setdefault("metadata", {})
    given = metadata.get("name") or call.target.name
    if given != call.target.name:
        raise bad_request(f"the name of the object ({given}) does not match the name on the URL ({call.target.name})")
    metadata["name"] = call.target.name


def put(call: Call, obj: Object, options: WriteOptions) -> tuple[Stored, bool]:
    """Store the object; true if it did not exist, which only some kinds allow."""
    resource, subresource = call.resource, call.target.subresource
    writes = Writing(call.manager(options.manager), options.dry_run, subresource, call.warnings)
    old = call.api.store.get(resource.storage, call.key)
    if old is None:
        if subresource or not strategy_of(resource).create_on_update:
            raise call.missing()
        obj["metadata"].pop("resourceVersion", None)
        return writing.insert(call.api, resource, obj, writes), True
    if not subresource:
        writing.check_uid(resource, obj, old)
    return writing.update(call.api, resource, obj, old, writes), False
