"""One HTTP request to a port of a pod's loopback address, by way of the API's port forwarding."""

from __future__ import annotations

import http.client
import io

from meshctl.kube.access import Access
from meshctl.kube.channels import V4, opened, received
from meshctl.kube.client import ApiError

SECONDS = 10.0
DATA, ERROR = 0, 1
WELL = 200


def get(access: Access, pod: str, port: int, path: str, seconds: float = SECONDS) -> bytes:
    """The body of a page; `pod` is the pod's path in the API. ApiError if it does not answer with 200."""
    content, seen = bytearray(), set()
    with opened(access, f"{pod}/portforward", [("ports", str(port))], (V4,), seconds) as line:
        line.send_binary(
            bytes([DATA]) + f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        for channel, data in received(line):
            # The first message of each channel is the port's number.
            if channel in seen and channel == ERROR:
                raise ApiError(data.decode(errors="replace"))
            if channel in seen:
                content += data
            seen.add(channel)
    return _body(bytes(content), f"port {port}{path}")


def _body(content: bytes, what: str) -> bytes:
    answer = http.client.HTTPResponse(_Memory(content))  # type: ignore[arg-type] # all that it asks of a socket
    try:
        answer.begin()
        body = answer.read()
    except (http.client.HTTPException, ValueError) as error:
        raise ApiError(f"{what}: not an answer in HTTP: {error}") from None
    if answer.status != WELL:
        raise ApiError(f"{what}: HTTP status {answer.status}: {body[:200].decode(errors='replace').strip()}")
    return body


class _Memory:
    """A connection on which everything has arrived."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, _: str) -> io.BytesIO:
        """What arrived."""
        return io.BytesIO(self._content)
