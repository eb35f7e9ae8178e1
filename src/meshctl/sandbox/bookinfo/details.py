"""The details service: facts about a book (samples/bookinfo/src/details/details.rb)."""

from __future__ import annotations

import json

from meshctl.sandbox.bookinfo.httpmessage import Request, Response
from meshctl.sandbox.bookinfo.httpserver import Handler
from meshctl.sandbox.bookinfo.settings import Settings

BOOK = {
    "author": "William Shakespeare",
    "year": 1595,
    "type": "paperback",
    "pages": 200,
    "publisher": "PublisherA",
    "language": "English",
    "ISBN-10": "1234567890",
    "ISBN-13": "123-1234567890",
}


def handler(settings: Settings) -> Handler:  # noqa: ARG001 - the same for every service
    return handle


def handle(request: Request) -> Response:
    if request.path == "/health":
        return _json(200, {"status": "Details is healthy"})
    if request.path != "/details" and not request.path.startswith("/details/"):
        return Response(404, b"Not Found\n", "text/plain")
    number = request.path.rstrip("/").rpartition("/")[2]
    if not number.isdecimal():
        return _json(400, {"error": "please provide numeric product id"})
    return _json(200, {"id": int(number), **BOOK})


def _json(status: int, value: object) -> Response:
    return Response(status, json.dumps(value).encode())
