"""The WebSocket channels of a pod: a command's streams and fate, or a forwarded port (v4 and v5.channel.k8s.io)."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from meshctl.kube.access import Access
from meshctl.kube.client import ApiError

if TYPE_CHECKING:
    from websocket import WebSocket

STDIN, STDOUT, STDERR, FATE, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
V4, V5 = "v4.channel.k8s.io", "v5.channel.k8s.io"


@contextmanager
def opened(
    access: Access, path: str, query: Sequence[tuple[str, str]], protocols: Sequence[str], seconds: float
) -> Iterator[WebSocket]:
    """A WebSocket of the API; ApiError in the server's words if it refuses."""
    import websocket

    url = f"{access.server.replace('http', 'ws', 1)}{path}?{urlencode(query)}"
    keys = {"ca_certs": access.authority, "certfile": access.certificate, "keyfile": access.key}
    try:
        line = websocket.create_connection(
            url,
            timeout=seconds,
            sslopt=keys,
            subprotocols=list(protocols),
            http_no_proxy=["*"],
            enable_multithread=True,
        )
    except websocket.WebSocketBadStatusException as refusal:
        raise ApiError(_words(refusal), refusal.status_code) from None
    except (OSError, ssl.SSLError, websocket.WebSocketException) as error:
        raise ApiError(f"the API server {access.server} does not answer ({error})") from None
    try:
        yield line
    finally:
        line.shutdown()  # type: ignore[no-untyped-call]


def received(line: WebSocket) -> Iterator[tuple[int, bytes]]:
    """Channel and content of each message until the other side ends; ApiError if it falls silent."""
    import websocket

    while True:
        try:
            data = line.recv()
        except websocket.WebSocketTimeoutException:
            raise ApiError("no answer in time") from None
        except (websocket.WebSocketException, OSError):
            return
        content = data.encode() if isinstance(data, str) else data
        if not content:
            return
        yield content[0], content[1:]


def _words(refusal: Any) -> str:
    try:
        return str(json.loads(refusal.resp_body)["message"])
    except (ValueError, KeyError, TypeError):
        return f"the API server refused: HTTP status {refusal.status_code}"
