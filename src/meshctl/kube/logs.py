"""What containers wrote, by way of the API."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from meshctl.kube.client import Client


def read(client: Client, pod: str, container: str, seconds: int | None = None, tail: int | None = None) -> bytes:
    """A container's log: of the last seconds, the last lines, or all; `pod` is the pod's path in the API. ApiError."""
    return client.text(_path(pod, container, seconds, tail))


def follow(client: Client, pod: str, container: str, tail: int | None = None) -> Iterator[bytes]:
    """A container's log as it grows, until the container ends. ApiError."""
    return client.follow(_path(pod, container, None, tail) + "&follow=true")


def previous(client: Client, pod: str, container: str, tail: int | None = None) -> bytes:
    """What the container wrote before it was started again. ApiError."""
    return client.text(_path(pod, container, None, tail) + "&previous=true")


def _path(pod: str, container: str, seconds: int | None, tail: int | None) -> str:
    # Kubelets reckon sinceSeconds by their own clock: ours may differ.
    query = {"container": container, "sinceSeconds": seconds, "tailLines": tail}
    return f"{pod}/log?{urlencode({key: value for key, value in query.items() if value is not None})}"
