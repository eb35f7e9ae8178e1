"""Lists on their way out: whole if they are short, else page by page, so that long ones take no memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from meshctl.sandbox.apiserver import reply
from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.negotiation import JSON, Media
from meshctl.sandbox.apiserver.representation import encoded_item, load
from meshctl.sandbox.apiserver.storage.revision import Page, Stored, dump
from meshctl.sandbox.apiserver.table import tables
from meshctl.sandbox.apiserver.verbs import shown

STEP = 500

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Layout:
    """A list's fields but for its objects, the name of the field that holds those, and how one is written."""

    head: Object
    field: str
    item: Callable[[Stored], bytes]

    def opening(self, metadata: Object) -> bytes:
        """The list up to its first object."""
        kind, version, *rest = ((key, value) for key, value in self.head.items())
        fields = {**dict((kind, version)), "metadata": metadata, **dict(rest)}
        return dump(fields)[:-1] + f',"{self.field}":['.encode()


def layout(call: Call, media: Media) -> Layout:
    """How the client wants the list."""
    resource = call.resource
    if media.table:
        row = tables.row_of(resource, shown.included(call), media.version)
        head = {"kind": "Table", "apiVersion": f"meta.k8s.io/{media.version}"}
        columns = {"columnDefinitions": tables.columns(resource)}
        return Layout(head | columns, "rows", lambda stored: dump(row(load(resource, stored))))
    if media.metadata_only:
        head = {"kind": "PartialObjectMetadataList", "apiVersion": f"meta.k8s.io/{media.version}"}
        return Layout(head, "items", lambda stored: dump(shown.partial(load(resource, stored), media.version)))
    head = {"kind": resource.list_kind, "apiVersion": resource.group_version}
    return Layout(head, "items", lambda stored: encoded_item(resource, stored.data))


def whole(call: Call, items: Sequence[Stored], media: Media, metadata: Object) -> web.Response:
    """A list that is at hand."""
    made = layout(call, media)
    if media.table:
        metadata = {key: value for key, value in metadata.items() if value}
    body = made.opening(metadata) + b",".join(made.item(stored) for stored in items) + b"]}\n"
    if media.type == JSON and not media.pretty:
        return reply.raw(body, JSON, 200, call.warnings)
    return reply.value(json.loads(body), media, 200, call.warnings)


async def streamed(
    call: Call, first: Page, following: Callable[[str], Page], media: Media, metadata: Object
) -> web.StreamResponse:
    """A list whose pages are read as they are sent; `following` gives the page behind a key."""
    made = layout(call, media)
    response = reply.stream(JSON, call.warnings)
    await response.prepare(call.request)
    await response.write(made.opening(metadata))
    separator = b""
    for page in _pages(first, following):
        await response.write(separator + b",".join(made.item(stored) for stored in page.items))
        separator = b","
    await response.write(b"]}\n")
    await response.write_eof()
    return response


def _pages(first: Page, following: Callable[[str], Page]) -> Iterator[Page]:
    page = first
    yield page
    while page.following is not None:
        page = following(page.following)
        if page.items:
            yield page
