"""The nodes of a cluster, as far as whoever looks at it wants to know."""

from __future__ import annotations

from typing import Any

from meshctl.kube.client import Client

NODES = "/api/v1/nodes"


def ready(client: Client) -> tuple[int, int]:
    """How many nodes have the condition Ready, and how many there are; ApiError if the server does not answer."""
    nodes = (client.read(NODES) or {"items": []})["items"]
    return sum(map(_is_ready, nodes)), len(nodes)


def _is_ready(node: dict[str, Any]) -> bool:
    conditions = node.get("status", {}).get("conditions") or []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
