"""The productpage service: the page, and an API over the other services (productpage.py of Istio 1.30)."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from meshctl.sandbox.bookinfo import page
from meshctl.sandbox.bookinfo.backend import Answer, Lines, forwarded
from meshctl.sandbox.bookinfo.httpmessage import Request, Response
from meshctl.sandbox.bookinfo.httpserver import Handler
from meshctl.sandbox.bookinfo.session import signing_in, signing_out, user_of
from meshctl.sandbox.bookinfo.settings import Settings

PATIENCE = 3.0
# Upstream asks for reviews twice: a bug left in for the fault injection task.
TRIES = {"reviews": 2}
BOOK = {
    "id": 0,
    "title": "The Comedy of Errors",
    "descriptionHtml": '<a href="https://en.wikipedia.org/wiki/The_Comedy_of_Errors">Wikipedia Summary</a>: The Comedy'
    " of Errors is one of <b>William Shakespeare's</b> early plays. It is his shortest and one of his most farcical"
    " comedies, with a major part of the humour coming from slapstick and mistaken identity, in addition to puns and"
    " word play.",
}
API = re.compile(r"/api/v1/products/(\d+)(?:/(reviews|ratings))?")
HTML = "text/html; charset=utf-8"


def handler(settings: Settings) -> Handler:
    lines = Lines()

    def handle(request: Request) -> Response:
        match request.path:
            case "/productpage":
                return _product_page(settings, lines, request)
            case "/" | "/index.html":
                return Response(200, page.index(settings).encode(), HTML)
            case "/health":
                return Response(200, b"Product page is healthy", HTML)
            case "/login":
                return _login(request)
            case "/logout":
                return _redirect(request, signing_out())
            case "/api/v1/products":
                return Response(200, json.dumps([BOOK]).encode())
        return _api(settings, lines, request)

    return handle


def _product_page(settings: Settings, lines: Lines, request: Request) -> Response:
    headers, user = _onward(request), user_of(request.headers)
    details = _fetch(settings, lines, "details", "0", headers)
    for _ in range(settings.flood_factor):
        _fetch(settings, lines, "reviews", "0", headers)
    reviews = _fetch(settings, lines, "reviews", "0", headers)
    text = page.product(settings, BOOK, details, reviews, user)
    return Response(200, text.encode(), HTML, _served_by(details, reviews))


def _onward(request: Request) -> dict[str, str]:
    """The headers to forward; a user who is signed in is named, whatever the request claims."""
    headers, user = forwarded(request), user_of(request.headers)
    return headers | {"end-user": user} if user else headers


def _fetch(settings: Settings, lines: Lines, service: str, number: str, headers: dict[str, str]) -> Answer:
    """The backend's answer, with upstream's words in place of a failed one."""
    answer = Answer(0)
    for _ in range(TRIES.get(service, 1)):
        answer = lines.ask(settings.backends[service], f"/{service}/{number}", headers, PATIENCE)
        if answer.status == 200:
            return answer
    apology = f"Sorry, product {service} are currently unavailable for this book."
    return Answer(answer.status or 500, {"error": apology}, answer.served_by)


def _served_by(*answers: Answer) -> dict[str, str]:
    names = ", ".join(answer.served_by for answer in answers if answer.served_by)
    return {"x-served-by": names} if names else {}


def _api(settings: Settings, lines: Lines, request: Request) -> Response:
    found = API.fullmatch(request.path)
    if not found:
        return Response(404, page.not_found().encode(), HTML)
    number, service = found[1], found[2] or "details"
    answer = _fetch(settings, lines, service, number, _onward(request))
    return Response(answer.status, json.dumps(answer.value).encode(), headers=_served_by(answer))


def _login(request: Request) -> Response:
    if request.method != "POST":
        return Response(405, b"Method Not Allowed\n", "text/plain")
    form: dict[str, list[Any]] = parse_qs(request.body.decode("utf-8", "replace"))
    query = parse_qs(urlsplit(request.target).query)
    user = (form.get("username") or query.get("username") or [""])[0]
    return _redirect(request, signing_in(user))


def _redirect(request: Request, cookie: str) -> Response:
    """Back to where the user was, on this host."""
    referrer = urlsplit(request.headers.get("referer", ""))
    place = referrer.path if referrer.path.startswith("/") and not referrer.path.startswith("//") else "/productpage"
    location = f"{place}?{referrer.query}" if referrer.query else place
    return Response(302, b"", HTML, {"location": location, "set-cookie": cookie})
