"""A command in a container that talks with whoever started it: input passed on, a terminal if there is one."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import termios
import threading
import tty
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from meshctl.kube.access import Access
from meshctl.kube.channels import CLOSE, FATE, RESIZE, STDERR, STDIN, STDOUT, V4, V5, opened, received
from meshctl.kube.execution import exit_code, query

if TYPE_CHECKING:
    from websocket import WebSocket

INPUT, OUTPUT, ERRORS = 0, 1, 2
CHUNK = 1 << 16
SECONDS = 10.0


def attach(access: Access, pod: str, container: str, words: Sequence[str], stdin: bool, terminal: bool) -> int:
    """Run a command with this process's standard streams; its exit code. `pod` is the pod's path in the API. ApiError.

    `terminal`: give it one, the size of ours, which is raw meanwhile.
    """
    with opened(access, f"{pod}/exec", query(container, words, stdin, terminal), (V5, V4), SECONDS) as line:
        line.settimeout(None)
        with _raw(line) if terminal else contextlib.nullcontext():
            if stdin:
                threading.Thread(target=_pass_on, args=(line,), daemon=True).start()
            return exit_code(_shown(line))


def _shown(line: WebSocket) -> bytes:
    """Show what the command writes, until its fate is known."""
    streams = {STDOUT: OUTPUT, STDERR: ERRORS}
    for channel, data in received(line):
        if channel == FATE:
            return data
        if channel in streams:
            _write(streams[channel], data)
    return b""


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _pass_on(line: WebSocket) -> None:
    import websocket

    with contextlib.suppress(OSError, websocket.WebSocketException):
        while data := os.read(INPUT, CHUNK):
            line.send_binary(bytes([STDIN]) + data)
        if line.subprotocol == V5:
            line.send_binary(bytes([CLOSE, STDIN]))


@contextlib.contextmanager
def _raw(line: WebSocket) -> Iterator[None]:
    """Our terminal passes keys on as they are, and tells its size whenever that changes."""

    def resize(*_: Any) -> None:
        size = os.get_terminal_size(INPUT)
        line.send_binary(bytes([RESIZE]) + json.dumps({"Width": size.columns, "Height": size.lines}).encode())

    before = termios.tcgetattr(INPUT)
    handler = signal.signal(signal.SIGWINCH, resize)
    try:
        tty.setraw(INPUT)
        resize()
        yield
    finally:
        signal.signal(signal.SIGWINCH, handler)
        termios.tcsetattr(INPUT, termios.TCSADRAIN, before)
