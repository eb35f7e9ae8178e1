"""Connections to backends: used again while they last, and never the reason why an answer is missing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from meshctl.sandbox.bookinfo import backend
from meshctl.sandbox.bookinfo.backend import NO_ANSWER, Lines

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-served-by: me\r\n\r\n{}"


@contextmanager
def server(*replies: bytes) -> Iterator[tuple[tuple[str, int], list[int]]]:
    """A server that sends one reply for each request and hangs up after them; its address, requests by connection."""
    counts: list[int] = []

    def converse(connection: socket.socket, number: int) -> None:
        with connection:
            for reply in replies:
                if not connection.recv(65536):
                    return
                counts[number] += 1
                connection.sendall(reply)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            counts.append(0)
            threading.Thread(target=converse, args=(connection, len(counts) - 1), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname(), counts
        listener.shutdown(socket.SHUT_RDWR)


def test_a_connection_is_used_again() -> None:
    lines = Lines()
    with server(OK, OK, OK) as (address, counts):
        answers = [lines.ask(address, "/", {}, 5) for _ in range(3)]
    assert [(one.status, one.served_by) for one in answers] == [(200, "me")] * 3
    assert counts == [3]


def test_a_connection_that_ended_is_replaced() -> None:
    lines = Lines()
    with server(OK) as (address, counts):
        assert [lines.ask(address, "/", {}, 5).status for _ in range(3)] == [200] * 3
    assert counts == [1, 1, 1]


def test_an_old_connection_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "LIFETIME", 0.0)
    lines = Lines()
    with server(OK, OK) as (address, counts):
        assert [lines.ask(address, "/", {}, 5).status for _ in range(2)] == [200] * 2
    assert counts == [1, 1]


def test_a_server_that_wants_to_close_is_obeyed() -> None:
    lines = Lines()
    with server(OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"), OK) as (address, counts):
        assert [lines.ask(address, "/", {}, 5).status for _ in range(2)] == [200] * 2
    assert counts == [1, 1]


@pytest.mark.parametrize("reply", [b"", b"nonsense\r\n\r\n", OK[:-1], b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{"])
def test_whatever_goes_wrong_is_no_answer(reply: bytes) -> None:
    with server(reply) as (address, _):
        assert Lines().ask(address, "/", {}, 0.3) == NO_ANSWER
