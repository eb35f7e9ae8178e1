"""A proxy that is connected: who it is, what it should have, and how far it has it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from meshctl.sandbox.xds import proxy as proxies
from meshctl.sandbox.xds.istiod.authentication import Identity
from meshctl.sandbox.xds.istiod.messages import Resource
from meshctl.sandbox.xds.istiod.subscription import Subscription
from meshctl.sandbox.xds.proxy import Proxy

NODE_PARTS = 4


@dataclass(eq=False, slots=True)
class Client:
    """One connected proxy; `resources` by type and name."""

    node: str
    proxy: Proxy
    identity: Identity
    version: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    resources: dict[str, dict[str, Resource]] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    connected: float = field(default_factory=time.time)

    @property
    def name(self) -> str:
        """POD.NAMESPACE, as istioctl calls it."""
        return self.node.split("~")[2]


def identify(node: Mapping[str, Any]) -> Proxy:
    """The proxy that a node of a request (as JSON) describes; ValueError if its id is not Istio's."""
    meta, place = node.get("metadata") or {}, node.get("locality") or {}
    parts = str(node.get("id") or "").split("~")
    if len(parts) != NODE_PARTS:
        raise ValueError(f"node id {node.get('id')!r}: expected TYPE~IP~POD.NAMESPACE~DOMAIN")
    kind, address, name, domain = parts
    namespace = meta.get("NAMESPACE") or domain.partition(".")[0]
    return proxies.from_identity(
        {
            "type": kind,
            "ip": address or str(meta.get("INSTANCE_IPS") or "").split(",")[0],
            "name": meta.get("NAME") or name.removesuffix(f".{namespace}"),
            "ns": namespace,
            "cluster": meta.get("CLUSTER_ID") or "",
            "network": meta.get("NETWORK"),
            "labels": meta.get("LABELS"),
            "sa": meta.get("SERVICE_ACCOUNT"),
            "locality": {key: place.get(key) for key in ("region", "zone", "sub_zone")},
            "view": meta.get("REQUESTED_NETWORK_VIEW"),
        }
    )
