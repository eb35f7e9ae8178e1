"""A collection of objects as it changes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from meshctl.kube.client import ApiError, Client

PAUSE_SECONDS, SLACK_SECONDS = 0.5, 5.0
Key = tuple[str, str]
Objects = Mapping[Key, Mapping[str, Any]]


def states(client: Client, collection: str, seconds: float) -> Iterator[Objects]:
    """The objects by namespace and name, first as they are and then after each change; it ends after `seconds`.

    A server that goes away is asked again until then.
    """
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        try:
            yield from _states(client, collection, left)
        except ApiError:
            time.sleep(min(PAUSE_SECONDS, left))


def _states(client: Client, collection: str, seconds: float) -> Iterator[Objects]:
    listed = client.read(collection) or {}
    found = {_key(one): one for one in listed.get("items") or ()}
    yield found
    version = (listed.get("metadata") or {}).get("resourceVersion", "")
    query = f"watch=1&resourceVersion={version}&timeoutSeconds={max(int(seconds), 1)}"
    for event in _events(client, f"{collection}?{query}", seconds + SLACK_SECONDS):
        if event["type"] == "ERROR":
            return
        if event["type"] == "DELETED":
            found.pop(_key(event["object"]), None)
        else:
            found[_key(event["object"])] = event["object"]
        yield found


def _events(client: Client, where: str, seconds: float) -> Iterator[dict[str, Any]]:
    rest = b""
    for piece in client.follow(where, seconds):
        *lines, rest = (rest + piece).split(b"\n")
        yield from (json.loads(line) for line in lines if line.strip())


def _key(one: Mapping[str, Any]) -> Key:
    return one["metadata"].get("namespace", ""), one["metadata"]["name"]
