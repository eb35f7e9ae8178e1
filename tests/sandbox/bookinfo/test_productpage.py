import contextlib
import re
import socket
import threading

import pytest

from meshctl.sandbox.bookinfo import details, productpage, ratings, reviews
from meshctl.sandbox.bookinfo.httpmessage import Request, Response
from meshctl.sandbox.bookinfo.settings import Settings
from tests.sandbox.bookinfo.client import Reply, get, request, settings
from tests.sandbox.bookinfo.conftest import Serve

Address = tuple[str, int]
TRACING = {
    "x-request-id": "r-1",
    "traceparent": "00-ab-cd-01",
    "tracestate": "a=b",
    "x-b3-traceid": "t",
    "x-b3-spanid": "s",
    "x-b3-parentspanid": "p",
    "x-b3-sampled": "1",
    "x-b3-flags": "1",
    "x-ot-span-context": "o",
    "user-agent": "test",
    "authorization": "Bearer x",
}


class Shop:
    """All services on loopback; `heard` collects the headers that details and reviews got."""

    def __init__(self, serve: Serve, version: str = "v2", flood_factor: int = 0) -> None:
        self.heard: dict[str, list[dict[str, str]]] = {"details": [], "reviews": []}
        stars = serve(ratings.handler(settings("ratings")), "ratings-v1; pod=ra; node=n3; cluster=c3")
        own = settings("reviews", version, ratings=stars)
        backends = {
            "details": serve(
                self._listening("details", details.handler(own)), "details-v1; pod=de; node=n1; cluster=c1"
            ),
            "reviews": serve(
                self._listening("reviews", reviews.handler(own)), "reviews-v2; pod=re; node=n2; cluster=c2"
            ),
        }
        self.settings: Settings = settings("productpage", **backends)._replace(flood_factor=flood_factor)
        self.address = serve(productpage.handler(self.settings), self.settings.served_by)

    def _listening(self, name: str, handler):  # type: ignore[no-untyped-def]
        def handle(asked: Request) -> Response:
            self.heard[name].append(dict(asked.headers))
            return handler(asked)  # type: ignore[no-any-return]

        return handle


def page_with(serve: Serve, **backends: Address) -> Reply:
    return get(serve(productpage.handler(settings("productpage", **backends))), "/productpage")


def text_of(reply: Reply) -> str:
    """What a person reads."""
    body = re.sub(r"(?s)<style>.*?</style>", "", reply.text)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_the_page_shows_book_reviews_stars_and_who_served_them(serve: Serve) -> None:
    reply = get(Shop(serve).address, "/productpage")
    assert reply.status == 200
    assert "<title>Simple Bookstore App</title>" in reply.text
    text = text_of(reply)
    for wanted in (
        "The Comedy of Errors",
        "Book Details",
        "paperback",
        "Book Reviews",
        "The slapstick humour",
        "★★★★★",
    ):
        assert wanted in text
    assert "color: black" in reply.text
    assert "Reviews served by: reviews-v2-x in cluster cluster1" in text
    for server, place in (("details-v1", "c1 n1 de"), ("reviews-v2", "c2 n2 re"), ("ratings-v1", "c3 n3 ra")):
        assert re.search(rf"{server} +{place}", text)


def test_the_answer_names_all_who_took_part(serve: Serve) -> None:
    names = get(Shop(serve).address, "/productpage").headers["x-served-by"].split(", ")
    assert [name.split(";")[0] for name in names] == ["productpage-v1", "details-v1", "reviews-v2", "ratings-v1"]
    assert names[0] == "productpage-v1; pod=productpage-v1-x; node=node1; cluster=cluster1"


def test_red_stars_are_red(serve: Serve) -> None:
    assert "color: red" in get(Shop(serve, "v3").address, "/productpage").text


def test_tracing_and_identity_are_forwarded_and_nothing_else(serve: Serve) -> None:
    shop = Shop(serve)
    headers = {name.replace("-", "_"): value for name, value in TRACING.items()}
    get(shop.address, "/productpage", **headers, end_user="jason", x_private="no", accept_language="de")
    for heard in (shop.heard["details"][0], shop.heard["reviews"][0]):
        assert heard["end-user"] == "jason"
        assert {name: heard[name] for name in TRACING} == TRACING
        assert "x-private" not in heard
        assert "accept-language" not in heard


@pytest.mark.parametrize("service", ["details", "reviews"])
@pytest.mark.parametrize("status", [500, 503, 404])
def test_a_failing_backend_leaves_a_partial_page(serve: Serve, service: str, status: int) -> None:
    shop = Shop(serve)
    backends = {**shop.settings.backends, service: serve(lambda _: Response(status, b"oops"))}
    reply = page_with(serve, **backends)
    text = text_of(reply)
    assert reply.status == 200
    assert f"Error fetching product {service}! Sorry, product {service} are currently unavailable" in text
    other = "paperback" if service == "reviews" else "Absolutely fun and entertaining"
    assert other in text


def test_reviews_are_asked_for_twice_as_upstream_does(serve: Serve) -> None:
    calls = []

    def failing_once(asked: Request) -> Response:
        calls.append(asked.path)
        return Response(200, b'{"reviews": []}') if len(calls) > 1 else Response(503)

    reply = page_with(serve, reviews=serve(failing_once))
    assert "Error fetching product reviews!" not in reply.text
    assert calls == ["/reviews/0", "/reviews/0"]


def test_a_backend_that_hangs_is_given_up_on(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    assert productpage.PATIENCE == 3.0
    monkeypatch.setattr(productpage, "PATIENCE", 0.3)
    over = threading.Event()

    def hanging(_: Request) -> Response:
        over.wait(20)
        return Response(200, b"{}")

    reply = page_with(serve, details=serve(hanging))
    assert not over.is_set()
    over.set()
    assert "Error fetching product details!" in reply.text


def test_a_backend_that_trickles_is_given_up_on(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every byte comes soon after the one before it, but the whole takes too long."""
    monkeypatch.setattr(productpage, "PATIENCE", 0.3)
    over = threading.Event()

    def trickle(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            while not over.wait(0.02):
                connection.sendall(b"H")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        trickling = threading.Thread(target=trickle, args=(listener,))
        trickling.start()
        reply = page_with(serve, details=listener.getsockname())
        over.set()
        trickling.join(10)
    assert "Error fetching product details!" in reply.text


def test_a_backend_that_talks_nonsense_is_a_failed_one(serve: Serve) -> None:
    reply = page_with(serve, details=serve(lambda _: Response(200, b"<html>")))
    assert "Error fetching product details!" in reply.text


def test_flooding_asks_for_reviews_that_nobody_reads(serve: Serve) -> None:
    shop = Shop(serve, flood_factor=5)
    get(shop.address, "/productpage")
    assert len(shop.heard["reviews"]) == 6


def test_signing_in_shows_the_name_and_sends_it_on(serve: Serve) -> None:
    shop = Shop(serve)
    form = {"content_type": "application/x-www-form-urlencoded", "referer": "http://shop.example/productpage?u=test"}
    signed_in = request(shop.address, "POST", "/login", "username=jason&passwd=", **form)
    assert (signed_in.status, signed_in.headers["location"]) == (302, "/productpage?u=test")
    cookie = signed_in.headers["set-cookie"].partition(";")[0]
    assert "HttpOnly" in signed_in.headers["set-cookie"]

    page = get(shop.address, "/productpage", cookie=cookie, end_user="forged")
    assert "jason" in text_of(page)
    assert "Sign out" in page.text
    assert shop.heard["reviews"][-1]["end-user"] == "jason"
    assert shop.heard["reviews"][-1]["cookie"] == cookie

    signed_out = get(shop.address, "/logout", cookie=cookie)
    assert signed_out.headers["set-cookie"].startswith("session=; Expires=Thu, 01 Jan 1970")
    assert "Sign in" in get(shop.address, "/productpage").text


def test_a_name_is_shown_as_text_and_cannot_break_a_header(serve: Serve) -> None:
    shop = Shop(serve)
    form = "username=%3Cscript%3Ealert(1)%3C%2Fscript%3E%0D%0Ax-evil%3A+1"
    cookie = request(shop.address, "POST", "/login", form).headers["set-cookie"].partition(";")[0]
    page = get(shop.address, "/productpage", cookie=cookie)
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "x-evil" not in shop.heard["details"][-1]


def test_what_backends_say_is_shown_as_text(serve: Serve) -> None:
    body = (
        b'{"podname": "<b>x</b>", "reviews": [{"text": "<script>1</script>", "rating": {"stars": 99, "color": "\\""}}]}'
    )
    evil = serve(lambda _: Response(200, body), "<i>me</i>; cluster=<u>")
    page = page_with(serve, reviews=evil)
    assert not re.search(r"<script>1|<b>x</b>|<i>me|<u>", page.text)


@pytest.mark.parametrize("referrer", ["https://evil.example//other.example/x", "//other.example", "", "not a url"])
def test_signing_in_never_leads_to_another_host(serve: Serve, referrer: str) -> None:
    reply = request(Shop(serve).address, "POST", "/login", "username=x", referer=referrer)
    assert reply.headers["location"] == "/productpage"


@pytest.mark.parametrize("cookie", ["session=garbage", "session=W10=", "session=eyJ1c2VyIjozfQ==", "other=1; session"])
def test_cookies_of_others_sign_nobody_in(serve: Serve, cookie: str) -> None:
    assert "Sign in" in get(Shop(serve).address, "/productpage", cookie=cookie).text


def test_the_api_passes_on_what_the_services_say(serve: Serve) -> None:
    shop = Shop(serve)
    assert get(shop.address, "/api/v1/products").json[0]["title"] == "The Comedy of Errors"
    assert get(shop.address, "/api/v1/products/0").json["pages"] == 200
    assert len(get(shop.address, "/api/v1/products/0/reviews").json["reviews"]) == 2
    missing = get(shop.address, "/api/v1/products/0/ratings")
    apology = "Sorry, product ratings are currently unavailable for this book."
    assert (missing.status, missing.json) == (500, {"error": apology})


def test_index_health_and_unknown_paths(serve: Serve) -> None:
    address = Shop(serve).address
    assert "Normal user" in get(address, "/").text
    assert get(address, "/health").text == "Product page is healthy"
    assert get(address, "/nothing").status == 404
    assert get(address, "/login").status == 405
