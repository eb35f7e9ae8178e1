"""A node as its agent sees it, and what all agents of a cluster share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from meshctl.sandbox.controllers.api import Api
from meshctl.sandbox.controllers.config import NodeSpec
from meshctl.sandbox.controllers.journal import Journal
from meshctl.sandbox.controllers.objects import Objects
from meshctl.sandbox.kubelet.netns import Networks
from meshctl.sandbox.kubelet.runtime import Runtime

DOMAIN = "cluster.local"
# kubeadm's choice of cluster DNS: the tenth address of the services' network, as the API server has the first.
DNS_OFFSET = 9


@dataclass(slots=True)
class Ground:
    """What all agents of a cluster share; `folder` holds their pods' files."""

    cluster: str
    folder: Path
    api: Api
    runtime: Runtime
    objects: Objects
    journal: Journal
    networks: Networks


@dataclass(slots=True)
class Node:
    """One node; `addresses` are those its pods have."""

    spec: NodeSpec
    ground: Ground
    addresses: dict[str, str] = field(default_factory=dict)
    latest: str = ""

    @property
    def cidr(self) -> IPv4Network | None:
        """Where its pods' addresses come from, as the live Node says."""
        live = (self.live.get("spec") or {}).get("podCIDR") or self.spec.pod_cidr
        return IPv4Network(live) if live else None

    @property
    def live(self) -> Mapping[str, Any]:
        """The Node object; empty if there is none."""
        return self.ground.objects.get("nodes", "", self.spec.name) or {}

    @property
    def capacity(self) -> Mapping[str, str]:
        """What its pods may have together."""
        return (self.live.get("status") or {}).get("allocatable") or {}

    @property
    def pid(self) -> int:
        """Its first process, as the supervisor numbers it; 0 while it is down."""
        return int(self.ground.runtime.machines.get(self.spec.name, {}).get("pid") or 0)

    @property
    def locality(self) -> str:
        """region/zone/subzone of its labels."""
        labels = (self.live.get("metadata") or {}).get("labels") or {}
        names = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone")
        return "/".join(labels.get(name, "") for name in names).rstrip("/")

    def dns(self) -> str:
        """The cluster's name server; empty if it is not known yet."""
        for namespace, name, offset in (("kube-system", "kube-dns", 0), ("default", "kubernetes", DNS_OFFSET)):
            service = self.ground.objects.get("services", namespace, name)
            address = ((service or {}).get("spec") or {}).get("clusterIP")
            if address and address != "None":
                return str(IPv4Network(address)[0] + offset)
        return ""
