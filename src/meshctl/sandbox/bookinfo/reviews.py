"""The reviews service: two reviews, from version 2 on with stars (LibertyRestEndpoint.java)."""

from __future__ import annotations

import json
from typing import Any

from meshctl.sandbox.bookinfo.backend import NO_ANSWER, Answer, Lines, forwarded
from meshctl.sandbox.bookinfo.httpmessage import Request, Response
from meshctl.sandbox.bookinfo.httpserver import Handler
from meshctl.sandbox.bookinfo.settings import Settings

TEXTS = {
    "Reviewer1": "An extremely entertaining play by Shakespeare. The slapstick humour is refreshing!",
    "Reviewer2": "Absolutely fun and entertaining. The play lacks thematic depth when compared to other plays by"
    " Shakespeare.",
}
UNAVAILABLE = {"error": "Ratings service is currently unavailable"}
# Upstream's red version is the impatient one.
PATIENCE = {"black": 10.0}
IMPATIENCE = 2.5


def handler(settings: Settings) -> Handler:
    lines = Lines()

    def handle(request: Request) -> Response:
        if request.path == "/health":
            return Response(200, b'{"status": "Reviews is healthy"}')
        prefix, _, number = request.path.rpartition("/")
        if prefix != "/reviews" or not number.lstrip("-").isdecimal():
            return Response(404, b"Not Found\n", "text/plain")
        answer = _ratings(settings, lines, number, request)
        headers = {"x-served-by": answer.served_by} if answer.served_by else {}
        return Response(200, json.dumps(_body(settings, number, answer)).encode(), headers=headers)

    return handle


def _ratings(settings: Settings, lines: Lines, number: str, request: Request) -> Answer:
    if not settings.ratings_enabled:
        return NO_ANSWER
    patience = PATIENCE.get(settings.star_color, IMPATIENCE)
    return lines.ask(settings.backends["ratings"], f"/ratings/{number}", forwarded(request), patience)


def _body(settings: Settings, number: str, answer: Answer) -> dict[str, Any]:
    stars = answer.value.get("ratings", {}) if isinstance(answer.value, dict) else {}
    return {
        "id": number,
        "podname": settings.pod,
        "clustername": settings.cluster or "null",
        "reviews": [_review(settings, reviewer, stars) for reviewer in TEXTS],
    }


def _review(settings: Settings, reviewer: str, stars: Any) -> dict[str, Any]:
    review: dict[str, Any] = {"reviewer": reviewer, "text": TEXTS[reviewer]}
    if settings.ratings_enabled:
        known = isinstance(stars, dict) and isinstance(stars.get(reviewer), int)
        review["rating"] = {"stars": stars[reviewer], "color": settings.star_color} if known else UNAVAILABLE
    return review
