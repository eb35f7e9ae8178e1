import contextlib
import http.client
import io
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshctl.sandbox.bookinfo.httpmessage import (
    MAX_BODY,
    BadMessage,
    Closed,
    Request,
    Response,
    read_request,
    read_response,
)
from meshctl.sandbox.bookinfo.httpserver import Server
from tests.sandbox.bookinfo.client import get, request
from tests.sandbox.bookinfo.conftest import Serve


def echo(asked: Request) -> Response:
    return Response(200, asked.body or asked.target.encode(), "text/plain")


def talk(address: tuple[str, int], data: bytes) -> bytes:
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_one_connection_carries_many_requests(serve: Serve) -> None:
    connection = http.client.HTTPConnection(*serve(echo), timeout=10)
    for path in ("/a", "/b?c=d"):
        connection.request("GET", path)
        assert connection.getresponse().read() == path.encode()
    assert connection.sock is not None
    connection.close()


def test_a_client_may_end_the_connection_with_its_request(serve: Serve) -> None:
    answer = talk(serve(echo), b"GET /a HTTP/1.1\r\nhost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection: close\r\n" in answer


def test_http_1_0_is_answered_and_closed(serve: Serve) -> None:
    assert talk(serve(echo), b"GET /a HTTP/1.0\r\n\r\n").endswith(b"connection: close\r\n\r\n/a")


def test_pipelined_requests_are_answered_in_order(serve: Serve) -> None:
    one = b"GET /%d HTTP/1.1\r\nhost: x\r\n\r\n"
    answer = talk(serve(echo), one % 1 + one % 2)
    assert answer.index(b"/1") < answer.index(b"/2")


def test_head_has_the_length_but_not_the_body(serve: Serve) -> None:
    answer = talk(serve(echo), b"HEAD /abc HTTP/1.1\r\nhost: x\r\n\r\n")
    assert b"content-length: 4\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_bodies_come_with_a_length_or_in_chunks(serve: Serve) -> None:
    address = serve(echo)
    assert request(address, "POST", "/", b"hello").text == "hello"
    chunks = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nt: 1\r\n\r\n"
    assert talk(address, chunks).endswith(b"\r\n\r\nhello")


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/2\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nname : x\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nshort",
        b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % (MAX_BODY + 1),
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20000 + b"\r\n",
        b"GET /" + b"a" * 70000,
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_closed(serve: Serve, data: bytes) -> None:
    answer = talk(serve(echo), data)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"connection: close" in answer


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_a_bad_message(data: bytes) -> None:
    for prefix in (b"", b"POST / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"):
        with contextlib.suppress(BadMessage, Closed):
            read_request(io.BytesIO(prefix + data))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_response_or_a_bad_message(data: bytes) -> None:
    for prefix in (b"", b"HTTP/1.1 200 OK\r\n"):
        with contextlib.suppress(BadMessage, Closed):
            read_response(io.BytesIO(prefix + data))


def test_many_connections_are_served_at_once(serve: Serve) -> None:
    together = threading.Barrier(30, timeout=20)

    def meeting(asked: Request) -> Response:
        together.wait()
        return echo(asked)

    address, texts = serve(meeting), list[str]()
    threads = [threading.Thread(target=lambda: texts.append(get(address, "/x").text)) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert texts == ["/x"] * 30


def test_stopping_lets_the_request_in_flight_end() -> None:
    entered, release = threading.Event(), threading.Event()

    def slow(asked: Request) -> Response:
        entered.set()
        release.wait(20)
        return echo(asked)

    server = Server("127.0.0.1", 0, slow)
    server.start()
    replies: list[str] = []
    asking = threading.Thread(
        target=lambda: replies.append(get(("127.0.0.1", server.port), "/x").headers["connection"])
    )
    asking.start()
    assert entered.wait(10)
    server.stop()
    assert not server.drain(0.05)
    release.set()
    assert server.drain(10)
    asking.join(10)
    assert replies == ["close"]
