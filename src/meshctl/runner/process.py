"""The parent's side of the worker: start it, feed it the request, hand on its events, end it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import IO

from meshctl.runner.request import Event, Request


def run(request: Request, prefix: tuple[str, ...] = ()) -> Iterator[Event]:
    """Yield the worker's events as they come; `prefix` is a command that enters another network first.

    A worker that dies yields a last event `lost` with the end of its standard error.
    """
    command = [*prefix, sys.executable, "-m", "meshctl.runner.worker"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as worker:
        try:
            yield from _converse(worker, request)
        finally:
            if worker.poll() is None:
                worker.terminate()


def _converse(worker: subprocess.Popen[str], request: Request) -> Iterator[Event]:
    from threading import Thread

    tail: list[str] = []
    reader = Thread(target=_drain, args=(_stream(worker.stderr), tail), daemon=True)
    reader.start()
    stdin = _stream(worker.stdin)
    try:
        json.dump(request.document(), stdin)
        stdin.close()
    except BrokenPipeError:
        pass
    for line in _stream(worker.stdout):
        yield Event.of(json.loads(line))
    code = worker.wait()
    reader.join(timeout=5)
    if code != 0:
        yield Event("lost", message=f"the worker ended with status {code}: {' '.join(tail[-3:]) or 'no output'}")


def _drain(stream: IO[str], tail: list[str]) -> None:
    for line in stream:
        if line.strip():
            tail.append(line.strip())
            del tail[:-20]


def _stream(stream: IO[str] | None) -> IO[str]:
    assert stream is not None  # noqa: S101 # PIPE was asked for
    return stream
