"""Who a proxy is: what an Envoy says of itself when it connects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class ProxyType(Enum):
    """A sidecar, or a gateway (`router`)."""

    SIDECAR = "sidecar"
    ROUTER = "router"


@dataclass(frozen=True, slots=True)
class Proxy:
    """Identity of one Envoy. `view`: the networks it asked for, empty means all; `locality` as r/z/s."""

    name: str
    type: ProxyType
    namespace: str
    cluster: str
    address: str = ""
    network: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    service_account: str = ""
    locality: str = ""
    view: frozenset[str] = frozenset()

    @property
    def is_sidecar(self) -> bool:
        """Whether an application stands behind it."""
        return self.type is ProxyType.SIDECAR


def from_identity(identity: Mapping[str, Any]) -> Proxy:
    """A proxy from `{type, ip, name, ns, cluster, network, labels, sa, locality, view}`."""
    return Proxy(
        name=identity["name"],
        type=ProxyType(identity["type"]),
        namespace=identity["ns"],
        cluster=identity["cluster"],
        address=identity.get("ip", ""),
        network=identity.get("network") or "",
        labels=identity.get("labels") or {},
        service_account=identity.get("sa") or "",
        locality=_locality(identity.get("locality") or {}),
        view=_view(identity.get("view")),
    )


def _locality(parts: Mapping[str, str]) -> str:
    names = [parts.get(key) or "" for key in ("region", "zone", "sub_zone")]
    return "/".join(names) if any(names) else ""


def _view(view: str | list[str] | None) -> frozenset[str]:
    if not view:
        return frozenset()
    return frozenset(view.split(",") if isinstance(view, str) else view)
