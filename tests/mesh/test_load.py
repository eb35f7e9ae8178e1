"""What becomes of requests: every fate is told in a word."""

from __future__ import annotations

import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from meshctl.errors import UsageError
from meshctl.mesh import load
from meshctl.mesh.traffic import Answer, Call

Serve = Callable[[socket.socket, bytes], None]


@contextmanager
def serving(serve: Serve) -> Iterator[tuple[str, list[bytes]]]:
    """A server on loopback that treats each request so; its URL and the requests."""
    seen: list[bytes] = []

    def converse(connection: socket.socket) -> None:
        with connection:
            while head := _head(connection):
                seen.append(head)
                serve(connection, head)
                if connection.fileno() < 0:
                    return

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=converse, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", seen
        listener.shutdown(socket.SHUT_RDWR)


def _head(connection: socket.socket) -> bytes:
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            data += (piece := connection.recv(4096))
            if not piece:
                return b""
    except OSError:
        return b""
    return data


def well(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nX-Served-By: me\r\n\r\nok")


def chunked(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")


def until_closed(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nuntil the end")
    connection.close()


def silent(_: socket.socket, __: bytes) -> None:
    pass


def closing(connection: socket.socket, _: bytes) -> None:
    connection.close()


def resetting(connection: socket.socket, _: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def babbling(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"whatever\r\n\r\n")


def sent(serve: Serve, call: Call) -> tuple[list[Answer], list[bytes]]:
    with serving(serve) as (url, seen):
        return load.send(call, url, "agent/x", lambda _: None), seen


@pytest.mark.parametrize(
    ("serve", "outcome"),
    [
        (well, "200"),
        (chunked, "404"),
        (until_closed, "200"),
        (silent, "timeout"),
        (closing, "closed"),
        (resetting, "reset"),
        (babbling, "malformed"),
    ],
)
def test_every_fate_has_a_word(serve: Serve, outcome: str) -> None:
    answers, _ = sent(serve, Call(requests=5, concurrency=2, timeout=0.3 if serve is silent else 5))
    assert Counter(one.outcome for one in answers) == {outcome: 5}


def test_a_port_that_nobody_listens_on_refuses() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        answers = load.send(Call(requests=3), url, "a", lambda _: None)
    assert [one.outcome for one in answers] == ["refused"] * 3


def test_each_request_is_numbered_and_carries_what_the_call_says() -> None:
    call = Call("/x?y=1", "shop.example", (("X-User", "me"),), requests=20, concurrency=4)
    answers, seen = sent(well, call)
    assert [one.number for one in answers] == list(range(20))
    assert all(one.headers and one.headers["x-served-by"] == "me" for one in answers)
    agents = {line for head in seen for line in head.decode().split("\r\n") if line.startswith("user-agent:")}
    assert agents == {f"user-agent: agent/x/{number}" for number in range(20)}
    assert all(head.startswith(b"GET /x?y=1 HTTP/1.1\r\nhost: shop.example\r\n") for head in seen)
    assert all(b"\r\nx-user: me\r\n" in head for head in seen)


def test_connections_are_kept() -> None:
    ports: set[int] = set()

    def noting(connection: socket.socket, head: bytes) -> None:
        ports.add(connection.getpeername()[1])
        well(connection, head)

    sent(noting, Call(requests=50, concurrency=3))
    assert len(ports) == 3


@pytest.mark.parametrize("url", ["https://x", "x", "http://", "http://x:0", "http://x:99999", "ftp://x"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="expected http://"):
        load.server(url)
