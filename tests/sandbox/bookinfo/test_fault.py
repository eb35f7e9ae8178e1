import threading

import pytest

from meshctl.sandbox.bookinfo.fault import NONE, BadFault, Fault, Switch, parse_fault, with_fault
from meshctl.sandbox.bookinfo.httpmessage import Request, Response
from meshctl.sandbox.bookinfo.httpserver import HangUp
from tests.sandbox.bookinfo.client import request
from tests.sandbox.bookinfo.conftest import Serve

PAGE, HEALTH = Request("GET", "/productpage", {}), Request("GET", "/health", {})


def fine(_: Request) -> Response:
    return Response(200, b"fine")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", NONE),
        ("status=503", Fault(status=503)),
        ("delay=2.5s", Fault(delay=2.5)),
        ("hang=true&share=0.25", Fault(hang=True, share=0.25)),
        ("status=500&delay=1&path=/reviews\n", Fault(status=500, delay=1, path="/reviews")),
    ],
)
def test_a_fault_is_read_and_written(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault
    assert parse_fault(str(fault)) == fault


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("statsu=503", '"statsu" is none of status, delay, hang, share, path'),
        ("status=99", "status is 99, expected 200 to 599"),
        ("share=2", "share is 2, expected 0 to 1"),
        ("delay=soon", 'delay is "soon", expected a number'),
        ("&", "is not of the form status=503&share=0.5"),
    ],
)
def test_a_fault_that_is_none_is_explained(text: str, message: str) -> None:
    with pytest.raises(BadFault, match=message):
        parse_fault(text)


def test_the_fault_answers_for_the_service_but_not_for_its_health() -> None:
    handle = with_fault(Switch(Fault(status=503)), fine)
    assert handle(PAGE).status == 503
    assert handle(HEALTH).status == 200


def test_only_paths_below_the_prefix_fail() -> None:
    handle = with_fault(Switch(Fault(status=500, path="/reviews")), fine)
    assert [handle(Request("GET", path, {})).status for path in ("/reviews/0", "/details/0")] == [500, 200]


def test_a_share_of_requests_fails() -> None:
    handle = with_fault(Switch(Fault(status=500, share=0.5)), fine)
    failures = sum(handle(PAGE).status == 500 for _ in range(2000))
    assert 800 < failures < 1200


@pytest.mark.parametrize(
    ("version", "fault"), [("v1", ""), ("v-faulty", "status=503&share=0.5"), ("v-delayed", "delay=7&share=0.5")]
)
def test_upstreams_failing_versions_fail_from_the_start(version: str, fault: str) -> None:
    assert str(Switch.for_version(version, "").fault) == fault


def test_a_hanging_request_is_let_go_without_an_answer_when_the_fault_ends() -> None:
    switch = Switch(Fault(hang=True))
    outcomes: list[str] = []

    def ask() -> None:
        try:
            with_fault(switch, fine)(PAGE)
        except HangUp:
            outcomes.append("hung up")

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join(0.2)
    assert asking.is_alive()
    switch.set(NONE)
    asking.join(10)
    assert outcomes == ["hung up"]


def test_a_delayed_request_is_answered_at_once_when_the_fault_ends() -> None:
    switch = Switch(Fault(delay=600))
    statuses: list[int] = []
    asking = threading.Thread(target=lambda: statuses.append(with_fault(switch, fine)(PAGE).status))
    asking.start()
    asking.join(0.2)
    assert not statuses
    switch.set(NONE)
    asking.join(10)
    assert statuses == [200]


def test_the_switch_is_turned_over_http(serve: Serve) -> None:
    switch = Switch()
    control, service = serve(switch.handle), serve(with_fault(switch, fine))
    assert request(service, "GET", "/x").status == 200
    assert request(control, "PUT", "/fault", "status=503").text == "status=503\n"
    assert request(service, "GET", "/x").status == 503
    assert request(control, "GET", "/fault").text == "status=503\n"
    refused = request(control, "PUT", "/fault", "status=many")
    assert (refused.status, refused.text) == (400, 'status is "many", expected a number\n')
    assert request(control, "DELETE", "/fault").text == "\n"
    assert request(service, "GET", "/x").status == 200
    assert request(control, "PATCH", "/fault").status == 405
    assert request(control, "GET", "/else").status == 404
