import asyncio
from pathlib import Path

import pytest

from meshctl.sandbox.kubelet import logs
from meshctl.sandbox.kubelet.logs import Marks, Wish


def read(path: Path, wanted: Wish, marks: Marks | None = None) -> bytes:
    async def collect() -> bytes:
        return b"".join([piece async for piece in logs.read(path, wanted, marks or Marks(), None)])

    return asyncio.run(collect())


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wish(), b"one\ntwo\nthree"),
        (Wish(tail=2), b"two\nthree"),
        (Wish(tail=0), b""),
        (Wish(tail=9), b"one\ntwo\nthree"),
        (Wish(limit=5), b"one\nt"),
    ],
)
def test_tail_and_limit(tmp_path: Path, wanted: Wish, expected: bytes) -> None:
    (tmp_path / "log").write_bytes(b"one\ntwo\nthree")
    assert read(tmp_path / "log", wanted) == expected


def test_what_is_older_than_asked_is_left_out_and_lines_get_their_times(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"one\ntwo\n")
    marks = Marks()
    marks.note(100.0, 4)
    marks.note(200.0, 8)
    assert read(tmp_path / "log", Wish(since=150.0), marks) == b"two\n"
    stamped = read(tmp_path / "log", Wish(timestamps=True), marks).decode().splitlines()
    assert stamped == ["1970-01-01T00:01:40.000000Z one", "1970-01-01T00:03:20.000000Z two"]


def test_a_log_stays_within_bounds(tmp_path: Path) -> None:
    (tmp_path / "0.log").write_bytes(b"x" * 11)
    logs.cut(tmp_path / "0.log", limit=10)
    assert ((tmp_path / "0.log").stat().st_size, (tmp_path / "0.old").read_bytes()) == (0, b"x" * 11)
