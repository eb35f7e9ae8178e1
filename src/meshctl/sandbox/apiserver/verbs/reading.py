"""get and list."""

from __future__ import annotations

import asyncio

from aiohttp import web

from meshctl.sandbox.apiserver import options
from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.continuation import INCONSISTENT, Continuation
from meshctl.sandbox.apiserver.failure import expired, future_version
from meshctl.sandbox.apiserver.negotiation import JSON, Media
from meshctl.sandbox.apiserver.options import ListOptions
from meshctl.sandbox.apiserver.storage.revision import Compacted, Page
from meshctl.sandbox.apiserver.storage.selection import Selection
from meshctl.sandbox.apiserver.verbs import listing, shown
from meshctl.sandbox.apiserver.verbs.selecting import Selectors, selectors

PATIENCE = 3.0
TOO_OLD = "The resourceVersion for the provided list is too old."
CONTINUE_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without"
    " the continue parameter, or use the continue token in this response to retrieve the remainder of the results."
    " Continuing with the provided token results in an inconsistent list - objects that were created, modified, or"
    " deleted between the time the first chunk was returned and now may show up in the list."
)


async def get(call: Call) -> web.Response:
    """GET of one object."""
    media = call.media()
    await _reach(call, options.version(call.query.get("resourceVersion", "")))
    return shown.one(call, call.current(), media)


async def _reach(call: Call, version: int | None) -> None:
    """Wait until the store has come to that version; Failure 504 if it does not."""
    store = call.api.store
    if version is None or version <= store.version:
        return
    await asyncio.sleep(PATIENCE)
    if version > store.version:
        raise future_version(version, store.version)


async def list_(call: Call) -> web.StreamResponse:
    """GET of a collection."""
    media = call.media(many=True)
    asked = options.list_options(call.query, watch=False)
    chosen = selectors(call, asked)
    if not asked.continuation:
        await _reach(call, asked.version)
    streamable = not asked.limit and media.type == JSON and not media.pretty
    page = _page(call, asked, chosen, listing.STEP if streamable else asked.limit)
    if streamable and page.following is not None:
        return await _stream(call, chosen, page, media)
    return listing.whole(call, page.items, media, _metadata(page, bool(chosen.selection), call))


async def _stream(call: Call, chosen: Selectors, first: Page, media: Media) -> web.StreamResponse:
    def following(after: str) -> Page:
        return _read(call, chosen, listing.STEP, after, first.version)

    end = Page(first.version, ())
    return await listing.streamed(call, first, following, media, _metadata(end, bool(chosen.selection), call))


def _page(call: Call, asked: ListOptions, chosen: Selectors, limit: int) -> Page:
    return _continued(call, asked, chosen, limit) if asked.continuation else _first(call, asked, chosen, limit)


def _first(call: Call, asked: ListOptions, chosen: Selectors, limit: int) -> Page:
    # A limited list at a version is exact, as long as its history is known.
    exact = asked.version if asked.match == "Exact" or (asked.limit and not asked.match) else None
    try:
        return _read(call, chosen, limit, "", exact or None)
    except Compacted:
        raise expired(TOO_OLD) from None


def _continued(call: Call, asked: ListOptions, chosen: Selectors, limit: int) -> Page:
    token = Continuation.parse(asked.continuation)
    start = token.start.lstrip("/")
    after = f"{call.namespace}/{start}" if call.namespace else start
    version = None if token.version == INCONSISTENT else token.version
    try:
        return _read(call, chosen, limit, after, version)
    except Compacted:
        fresh = Continuation(INCONSISTENT, start).text
        raise expired(CONTINUE_TOO_OLD, {"continue": fresh}) from None


def _read(call: Call, chosen: Selectors, limit: int, after: str, version: int | None) -> Page:
    selection, name = chosen.selection, chosen.fields.name
    if name is not None and bool(call.namespace) == call.resource.namespaced:
        selection += Selection(("key = ?",), (call.resource.key(call.namespace, name),))
    return call.api.store.page(call.resource.storage, call.namespace, selection, limit, after, version)


def _metadata(page: Page, selected: bool, call: Call) -> dict[str, object]:
    metadata: dict[str, object] = {"resourceVersion": str(page.version)}
    if page.following is not None:
        start = page.following.removeprefix(call.namespace) if call.namespace else page.following
        metadata["continue"] = Continuation(page.version, start if start.startswith("/") else f"/{start}").text
        if not selected:
            metadata["remainingItemCount"] = page.remaining
    elif call.resource.custom:
        metadata = {"continue": "", **metadata}
    return metadata
