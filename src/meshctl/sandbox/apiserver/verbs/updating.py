"""update."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web

from meshctl.sandbox.apiserver import writing
from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.failure import bad_request
from meshctl.sandbox.apiserver.options import WriteOptions, write_options
from meshctl.sandbox.apiserver.storage.revision import Stored
from meshctl.sandbox.apiserver.strategy.strategies import strategy_of
from meshctl.sandbox.apiserver.verbs import decoding, shown
from meshctl.sandbox.apiserver.writing import Overtaken, Writing

Object = dict[str, Any]
Result = TypeVar("Result")


async def update(call: Call) -> web.Response:
    """PUT of an object or its status."""
    media = call.media()
    options = write_options(call.query, "UpdateOptions")
    obj = await decoding.requested(call, options.validation)
    check_name(call, obj)
    call.check_namespace(obj)
    stored, created = await repeated(lambda: put(call, copy.deepcopy(obj), options))
    return shown.one(call, stored, media, 201 if created else 200)


def check_name(call: Call, obj: Object) -> None:
    """The object's name must be the path's, which it takes on if it has none; Failure 400."""
    metadata = obj.setdefault("metadata", {})
    given = metadata.get("name") or call.target.name
    if given != call.target.name:
        raise bad_request(f"the name of the object ({given}) does not match the name on the URL ({call.target.name})")
    metadata["name"] = call.target.name


async def repeated(write: Callable[[], Awaitable[Result]]) -> Result:
    """What the write gives, done again on the object as it is then for as long as others come first."""
    while True:
        with contextlib.suppress(Overtaken):
            return await write()


async def put(call: Call, obj: Object, options: WriteOptions) -> tuple[Stored, bool]:
    """Store the object; true if it did not exist, which only some kinds allow."""
    resource, subresource = call.resource, call.target.subresource
    writes = Writing(call.manager(options.manager), options.dry_run, subresource, call.warnings, call.user.info)
    old = call.api.store.get(resource.storage, call.key)
    if old is None:
        if subresource or not strategy_of(resource).create_on_update:
            raise call.missing()
        obj["metadata"].pop("resourceVersion", None)
        return await writing.insert(call.api, resource, obj, writes), True
    if not subresource:
        writing.check_uid(resource, obj, old)
    return await writing.update(call.api, resource, obj, old, writes), False
