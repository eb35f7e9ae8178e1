"""Commands in containers, run to their end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from meshctl.kube.access import Access
from meshctl.kube.channels import CLOSE, FATE, STDERR, STDIN, STDOUT, V4, V5, opened, received
from meshctl.kube.client import ApiError

SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left: its exit code and what it wrote."""

    code: int
    output: bytes
    error: bytes


def query(container: str, words: Sequence[str], stdin: bool = False, tty: bool = False) -> list[tuple[str, str]]:
    """The parameters of `pods/exec` (a terminal's output and errors are one stream)."""
    streams = {"stdin": stdin, "stdout": True, "stderr": not tty, "tty": tty}
    return [
        ("container", container),
        *(("command", word) for word in words),
        *((name, "true") for name, wanted in streams.items() if wanted),
    ]


def run(
    access: Access, pod: str, container: str, words: Sequence[str], text: bytes | None = None, seconds: float = SECONDS
) -> Ended:
    """Run a command, with `text` as its standard input; `pod` is the pod's path in the API. ApiError if it can't run.

    A server that speaks only v4 can't end the input: there the command has to know how much it reads.
    """
    wanted = query(container, words, stdin=text is not None)
    parts: dict[int, bytearray] = {STDOUT: bytearray(), STDERR: bytearray(), FATE: bytearray()}
    with opened(access, f"{pod}/exec", wanted, (V5, V4), seconds) as line:
        if text is not None:
            line.send_binary(bytes([STDIN]) + text)
            if line.subprotocol == V5:
                line.send_binary(bytes([CLOSE, STDIN]))
        for channel, data in received(line):
            parts.setdefault(channel, bytearray()).extend(data)
            if channel == FATE:
                break
    return Ended(exit_code(bytes(parts[FATE])), bytes(parts[STDOUT]), bytes(parts[STDERR]))


def exit_code(fate: bytes) -> int:
    """The exit code that a Status on the error channel tells; ApiError if the command did not run."""
    try:
        status = json.loads(fate)
    except ValueError:
        raise ApiError("the connection to the container broke") from None
    if status.get("status") == "Success":
        return 0
    causes = (status.get("details") or {}).get("causes") or ()
    codes = [one["message"] for one in causes if one.get("reason") == "ExitCode"]
    if not codes:
        raise ApiError(status.get("message") or "the command could not be run")
    return int(codes[0])
