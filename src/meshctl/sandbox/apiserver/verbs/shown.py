"""A stored object in the representation that a client asked for: plain, metadata only, or table."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from meshctl.sandbox.apiserver import reply
from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.negotiation import JSON, Media
from meshctl.sandbox.apiserver.representation import encoded, load
from meshctl.sandbox.apiserver.storage.revision import Stored
from meshctl.sandbox.apiserver.table import tables

Object = dict[str, Any]


def one(call: Call, stored: Stored, media: Media, status: int = 200) -> web.Response:
    """A single object."""
    if is_plain(media):
        body = encoded(call.resource, stored.data) + b"\n"
        return reply.raw(body, JSON, status, call.warnings)
    return reply.value(_transformed(call, load(call.resource, stored), media), media, status, call.warnings)


def is_plain(media: Media) -> bool:
    """Whether stored JSON goes out as it is."""
    return media.type == JSON and not media.transform and not media.pretty


def _transformed(call: Call, obj: Object, media: Media) -> Object:
    if media.table:
        metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        return tables.table(call.resource, [obj], metadata, included(call), media.version)
    return partial(obj, media.version) if media.metadata_only else obj


def partial(obj: Object, version: str) -> Object:
    """A PartialObjectMetadata."""
    kind = {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}"}
    return kind | {"metadata": obj["metadata"]}


def included(call: Call) -> tables.Included:
    """How much of each object a table's rows carry."""
    return tables.included(call.query.get("includeObject", ""))
