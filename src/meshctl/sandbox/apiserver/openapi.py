"""/openapi/v2 and /openapi/v3."""

from __future__ import annotations

from aiohttp import web

from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.failure import PlainNotFound


def answer(api: Api, request: web.BaseRequest, path: str) -> web.Response:
    """A document; PlainNotFound where there is none."""
    del api, request, path
    raise PlainNotFound
