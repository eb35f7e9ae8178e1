"""Stored objects in the representation that a client asked for: plain, metadata only, or table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from meshctl.sandbox.apiserver import reply
from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.negotiation import JSON, Media
from meshctl.sandbox.apiserver.representation import encoded, encoded_list, load
from meshctl.sandbox.apiserver.storage.revision import Page, Stored
from meshctl.sandbox.apiserver.table import tables

Object = dict[str, Any]


def one(call: Call, stored: Stored, media: Media, status: int = 200) -> web.Response:
    """A single object."""
    if media.type == JSON and not media.transform and not media.pretty:
        body = encoded(call.resource, stored.data) + b"\n"
        return reply.raw(body, JSON, status, call.warnings)
    return reply.value(transformed(call, load(call.resource, stored), media), media, status, call.warnings)


def transformed(call: Call, obj: Object, media: Media) -> Object:
    """An object as the table or the metadata that was asked for."""
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


def many(call: Call, page: Page, media: Media, metadata: Object) -> web.Response:
    """A list."""
    if media.type == JSON and not media.transform and not media.pretty:
        body = encoded_list(call.resource, [stored.data for stored in page.items], metadata) + b"\n"
        return reply.raw(body, JSON, 200, call.warnings)
    objects = [load(call.resource, stored) for stored in page.items]
    return reply.value(_listed(call, objects, media, metadata), media, 200, call.warnings)


def _listed(call: Call, objects: Sequence[Object], media: Media, metadata: Object) -> Object:
    if media.table:
        said = {key: value for key, value in metadata.items() if value}
        return tables.table(call.resource, objects, said, included(call), media.version)
    if media.metadata_only:
        kind = {"kind": "PartialObjectMetadataList", "apiVersion": f"meta.k8s.io/{media.version}"}
        return kind | {"metadata": metadata, "items": [partial(obj, media.version) for obj in objects]}
    items = list(objects) if call.resource.custom else [_bare(obj) for obj in objects]
    kind = {"kind": call.resource.list_kind, "apiVersion": call.resource.group_version}
    return kind | {"metadata": metadata, "items": items}


def _bare(obj: Object) -> Object:
    return {key: value for key, value in obj.items() if key not in ("kind", "apiVersion")}
