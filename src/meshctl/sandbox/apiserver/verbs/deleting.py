"""delete and deletecollection."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from meshctl.sandbox.apiserver import body, deletion, golang, options, reply
from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.failure import bad_request
from meshctl.sandbox.apiserver.options import DeleteOptions
from meshctl.sandbox.apiserver.representation import load, stored_form
from meshctl.sandbox.apiserver.storage.revision import Stored, dump
from meshctl.sandbox.apiserver.strategy.strategies import strategy_of
from meshctl.sandbox.apiserver.verbs import listing, shown
from meshctl.sandbox.apiserver.verbs.selecting import selectors
from meshctl.sandbox.apiserver.webhooks import mutating, validating
from meshctl.sandbox.apiserver.webhooks.attributes import Attributes

Object = dict[str, Any]


async def delete(call: Call) -> web.Response:
    """DELETE of one object: answers the object if it lives on, or its kind says so, else a Status."""
    media = call.media()
    chosen = await _options(call)
    await review(call, call.current(), chosen)
    stored = call.current()
    obj, gone = deletion.delete(call.api, call.resource, stored, chosen)
    if not gone or strategy_of(call.resource).returns_object:
        return shown.one(call, Stored(stored.key, stored.version, dump(stored_form(call.resource, obj))), media)
    details = {"name": call.target.name, "group": call.resource.group, "kind": call.resource.plural}
    done = reply.success(200, details | {"uid": obj["metadata"]["uid"]})
    return reply.value(done, media, 200, call.warnings)


async def delete_collection(call: Call) -> web.Response:
    """DELETE of a collection: answers the objects as they were."""
    media = call.media(many=True)
    chosen = await _options(call)
    asked = options.list_options(call.query, watch=False)
    found = selectors(call, asked)
    store = call.api.store
    page = store.page(call.resource.storage, call.namespace, found.selection, asked.limit)
    for stored in page.items:
        await review(call, stored, chosen)
        if current := store.get(call.resource.storage, stored.key):
            deletion.delete(call.api, call.resource, current, chosen)
    return listing.whole(call, page.items, media, {"resourceVersion": str(page.version)})


async def review(call: Call, stored: Stored, chosen: DeleteOptions) -> None:
    """Ask the webhooks whether the object may be deleted; Failure if one denies."""
    old = load(call.resource, stored)
    metadata = old["metadata"]
    is_namespace = call.resource.storage == "namespaces"
    asked = Attributes(
        operation="DELETE",
        resource=call.resource,
        namespace=metadata.get("name" if is_namespace else "namespace") or "",
        name=metadata["name"],
        user=call.user.info,
        old=old,
        dry_run=chosen.dry_run,
    )
    await mutating.mutate(call.api, asked, lambda _: None, call.warnings)
    await validating.validate(call.api, asked, call.warnings)


async def _options(call: Call) -> DeleteOptions:
    data = await body.read(call.request)
    given: Object = {}
    if data:
        media = body.media_type(call.request.headers.get("Content-Type"))
        given = body.decode(data, media, "DeleteOptions").obj
        _check_types(given)
    return options.delete_options(given, call.query)


TYPES = {
    "gracePeriodSeconds": (int, "int64"),
    "propagationPolicy": (str, "v1.DeletionPropagation"),
    "preconditions": (dict, "v1.Preconditions"),
    "orphanDependents": (bool, "bool"),
    "dryRun": (list, "[]string"),
}


def _check_types(given: Object) -> None:
    for name, (kind, called) in TYPES.items():
        value = given.get(name)
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            raise bad_request(
                'DeleteOptions in version "v1" cannot be handled as a DeleteOptions: json: cannot unmarshal '
                f"{golang.json_kind(value)} into Go struct field DeleteOptions.{name} of type {called}"
            )
