"""The ratings service: stars by reviewer, kept in memory (samples/bookinfo/src/ratings/ratings.js)."""

from __future__ import annotations

import json
from typing import Any

from meshctl.sandbox.bookinfo.httpmessage import Request, Response
from meshctl.sandbox.bookinfo.httpserver import Handler
from meshctl.sandbox.bookinfo.settings import Settings

STARS = {"Reviewer1": 5, "Reviewer2": 4}
MAX_PRODUCTS = 1000


def handler(settings: Settings) -> Handler:  # noqa: ARG001 - the same for every service
    """Remembers the ratings that were posted, until the process ends."""
    posted: dict[int, Any] = {}

    def handle(request: Request) -> Response:
        if request.path == "/health":
            return _json(200, {"status": "Ratings is healthy"})
        if not request.path.startswith("/ratings/"):
            return Response(404, b"Not Found\n", "text/plain")
        number = request.path.rpartition("/")[2]
        if not number.isdecimal():
            return _json(400, {"error": "please provide numeric product ID"})
        if request.method == "POST":
            return _post(int(number), request.body, posted)
        return _json(200, {"id": int(number), "ratings": posted.get(int(number), STARS)})

    return handle


def _post(number: int, body: bytes, posted: dict[int, Any]) -> Response:
    try:
        ratings = json.loads(body)
    except (ValueError, RecursionError):
        return _json(400, {"error": "please provide valid ratings JSON"})
    if number not in posted and len(posted) >= MAX_PRODUCTS:
        return _json(400, {"error": f"no more than {MAX_PRODUCTS} products can be rated"})
    posted[number] = ratings
    return _json(200, {"id": number, "ratings": ratings})


def _json(status: int, value: object) -> Response:
    return Response(status, json.dumps(value, separators=(",", ":")).encode())
