"""`pilot-agent request METHOD PATH` inside a pod: asks Envoy's own admin interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshctl.sandbox.kubelet.exchange import exchange

if TYPE_CHECKING:
    from meshctl.sandbox.kubelet.pods import Pod

PORT = 15000
SECONDS = 30.0
WELL = 200


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked."""

    method: str
    path: str


def parse(words: tuple[str, ...]) -> Request | None:
    """The request; None if the command is another."""
    if not words or words[0].rpartition("/")[2] != "pilot-agent" or words[1:2] != ("request",):
        return None
    plain = [one for one in words[2:] if not one.startswith("-")]
    return Request(plain[0].upper(), "/" + plain[1].lstrip("/")) if len(plain) > 1 else None


async def ask(pod: Pod, wanted: Request) -> tuple[int, bytes]:
    """Exit status and output as pilot-agent's."""
    process = next((one.pid for one in pod.containers if one.image and one.image.kind == "proxy" and one.pid), 0)
    if not process:
        return 1, b"Error: the proxy does not run\n"
    try:
        connection = await pod.node.ground.networks.connect(process, "127.0.0.1", PORT, SECONDS)
        headers = {"Host": f"localhost:{PORT}", "Content-Length": "0"}
        status, body = await exchange(connection, wanted.method, wanted.path, headers)
    except (OSError, TimeoutError) as error:
        return 1, f"Error: failed to execute command on Envoy: {error}\n".encode()
    return (0, body) if status == WELL else (1, b"Error: received unsuccessful status code %d: " % status + body)
