import pytest

from meshctl.sandbox.bookinfo import details, ratings, reviews
from meshctl.sandbox.bookinfo.httpmessage import Request, Response
from meshctl.sandbox.bookinfo.settings import BadSettings, read_settings
from tests.sandbox.bookinfo.client import get, request, settings
from tests.sandbox.bookinfo.conftest import Serve


def test_details_of_a_book(serve: Serve) -> None:
    reply = get(serve(details.handler(settings("details"))), "/details/0")
    assert reply.headers["content-type"] == "application/json"
    assert reply.json == {
        "id": 0,
        "author": "William Shakespeare",
        "year": 1595,
        "type": "paperback",
        "pages": 200,
        "publisher": "PublisherA",
        "language": "English",
        "ISBN-10": "1234567890",
        "ISBN-13": "123-1234567890",
    }


def test_details_wants_a_number(serve: Serve) -> None:
    reply = get(serve(details.handler(settings("details"))), "/details/hamlet")
    assert (reply.status, reply.json) == (400, {"error": "please provide numeric product id"})


def test_ratings_are_given_and_remembered(serve: Serve) -> None:
    address = serve(ratings.handler(settings("ratings")))
    assert get(address, "/ratings/0").json == {"id": 0, "ratings": {"Reviewer1": 5, "Reviewer2": 4}}
    posted = request(address, "POST", "/ratings/7", '{"Reviewer1": 1}')
    assert posted.json == get(address, "/ratings/7").json == {"id": 7, "ratings": {"Reviewer1": 1}}


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        ("/ratings/x", "{}", "please provide numeric product ID"),
        ("/ratings/1", "{", "please provide valid ratings JSON"),
    ],
)
def test_bad_ratings_are_refused(serve: Serve, path: str, body: str, error: str) -> None:
    reply = request(serve(ratings.handler(settings("ratings"))), "POST", path, body)
    assert (reply.status, reply.json) == (400, {"error": error})


def test_ratings_do_not_fill_the_memory(serve: Serve) -> None:
    handle = ratings.handler(settings("ratings"))
    for number in range(ratings.MAX_PRODUCTS):
        assert handle(Request("POST", f"/ratings/{number}", {}, b"{}")).status == 200
    assert handle(Request("POST", "/ratings/99999", {}, b"{}")).status == 400


def test_the_first_version_has_no_stars(serve: Serve) -> None:
    reply = get(serve(reviews.handler(settings("reviews", "v1"))), "/reviews/0")
    assert (reply.json["id"], reply.json["podname"], reply.json["clustername"]) == ("0", "reviews-v1-x", "cluster1")
    assert [review["reviewer"] for review in reply.json["reviews"]] == ["Reviewer1", "Reviewer2"]
    assert all("rating" not in review for review in reply.json["reviews"])


@pytest.mark.parametrize(("version", "color"), [("v2", "black"), ("v3", "red")])
def test_later_versions_have_stars_of_their_colour(serve: Serve, version: str, color: str) -> None:
    backend = serve(ratings.handler(settings("ratings")), "ratings-v1; pod=r; node=n; cluster=c")
    own = settings("reviews", version, ratings=backend)
    reply = get(serve(reviews.handler(own), own.served_by), "/reviews/0")
    stars = [review["rating"] for review in reply.json["reviews"]]
    assert stars == [{"stars": 5, "color": color}, {"stars": 4, "color": color}]
    servers = [part.split(";")[0] for part in reply.headers["x-served-by"].split(", ")]
    assert servers == [f"reviews-{version}", "ratings-v1"]


def test_reviews_say_that_ratings_are_missing(serve: Serve) -> None:
    failing = serve(lambda _: Response(503, b"{}"))
    for backend in (failing, ("127.0.0.1", 1)):
        reply = get(serve(reviews.handler(settings("reviews", "v2", ratings=backend))), "/reviews/0")
        missing = {"error": "Ratings service is currently unavailable"}
        assert [review["rating"] for review in reply.json["reviews"]] == [missing, missing]


@pytest.mark.parametrize("module", [details, ratings, reviews])
def test_every_service_is_healthy_and_knows_its_paths(serve: Serve, module) -> None:  # type: ignore[no-untyped-def]
    name = module.__name__.rpartition(".")[2]
    address = serve(module.handler(settings(name)))
    assert get(address, "/health").json == {"status": f"{name.capitalize()} is healthy"}
    assert get(address, "/elsewhere").status == 404


def test_settings_follow_upstreams_environment() -> None:
    environment = {
        "SERVICES_DOMAIN": "istio.svc",
        "DETAILS_HOSTNAME": "facts",
        "REVIEWS_SERVICE_PORT": "9999",
        "FLOOD_FACTOR": "3",
        "HOSTNAME": "pod-1",
        "CLUSTER_NAME": "cluster2",
        "NODE_NAME": "node140",
        "SERVICE_VERSION": "v3",
    }
    found = read_settings("productpage", environment)
    assert found.backends == {
        "details": ("facts.istio.svc", 9080),
        "reviews": ("reviews.istio.svc", 9999),
        "ratings": ("ratings.istio.svc", 9080),
    }
    assert (found.port, found.flood_factor, found.star_color, found.ratings_enabled) == (9080, 3, "red", True)
    assert found.served_by == "productpage-v3; pod=pod-1; node=node140; cluster=cluster2"


def test_environment_overrides_what_the_version_implies() -> None:
    found = read_settings("reviews", {"SERVICE_VERSION": "v1", "ENABLE_RATINGS": "true", "STAR_COLOR": "blue"})
    assert (found.ratings_enabled, found.star_color) == (True, "blue")


def test_a_number_that_is_none_is_named() -> None:
    with pytest.raises(BadSettings, match='FLOOD_FACTOR is "many", expected a number such as 0'):
        read_settings("productpage", {"FLOOD_FACTOR": "many"})
