"""Nodes: registered, ready, and alive as long as this process is, as a kubelet would tell it."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from meshctl.sandbox.controllers.api import FAULTS, MERGE, Api, ApiFault, Object
from meshctl.sandbox.controllers.config import NodeSpec

LOG = logging.getLogger(__name__)
# The kubelet renews its Lease every 10 s, and its Node's status every 5 min if nothing changed.
LEASE_SECONDS = 40
RENEWAL_SECONDS = 10
STATUS_RENEWALS = 30
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
NOT_READY = "node.kubernetes.io/not-ready"
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
VERSION = "v1.36.0"
CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


async def keep(api: Api, spec: NodeSpec) -> None:
    """Register a node, then renew its Lease and its status for ever; one that was deleted registers anew."""
    renewals = 0
    while True:
        try:
            await _register(api, spec, renewals % STATUS_RENEWALS == 0)
            await _renew(api, spec)
            renewals += 1
            await asyncio.sleep(RENEWAL_SECONDS)
        except (*FAULTS, ApiFault) as fault:
            LOG.warning("node %s: %s", spec.name, fault)
            await asyncio.sleep(0.2)


async def _register(api: Api, spec: NodeSpec, report: bool) -> None:
    wanted, path = node(spec), f"/api/v1/nodes/{spec.name}"
    await api.ensure("/api/v1/nodes", wanted)
    live = await api.ask("GET", path)
    change = missing(live, wanted)
    if report or change or not live.get("status", {}).get("conditions"):
        await api.ask("PATCH", f"{path}/status", {"status": status(spec, live)}, MERGE)
    # Ready comes first, as it does where a controller takes the taint away that a new Node is given.
    if change:
        await api.ask("PATCH", path, change, MERGE)


def node(spec: NodeSpec) -> Object:
    """The Node as it registers: its own labels only, the topology's are for people to give."""
    labels = {
        "kubernetes.io/hostname": spec.name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": "amd64",
    }
    if spec.control_plane:
        labels[CONTROL_PLANE] = ""
    body: Object = {"podCIDR": spec.pod_cidr, "podCIDRs": [spec.pod_cidr]} if spec.pod_cidr else {}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": spec.name, "labels": labels}, "spec": body}


def missing(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> Object:
    """The merge patch that brings back labels and pod CIDR, and ends the taint of a node that is not ready.

    A pod CIDR that is set can't change any more.
    """
    labels = live["metadata"].get("labels") or {}
    lost = {key: value for key, value in wanted["metadata"]["labels"].items() if labels.get(key) != value}
    change: Object = {"metadata": {"labels": lost}} if lost else {}
    if wanted["spec"] and not live.get("spec", {}).get("podCIDR"):
        change["spec"] = dict(wanted["spec"])
    taints = live.get("spec", {}).get("taints") or []
    kept = [one for one in taints if one["key"] != NOT_READY]
    if kept != taints:
        change.setdefault("spec", {})["taints"] = kept or None
    return change


def status(spec: NodeSpec, live: Mapping[str, Any]) -> Object:
    """Ready, since when it is, with this machine's capacity."""
    before = {one["type"]: one for one in live.get("status", {}).get("conditions") or ()}
    now = _now().partition(".")[0].removesuffix("Z") + "Z"
    capacity = {"cpu": str(os.cpu_count() or 1), "memory": f"{_memory_kib()}Ki", "pods": "110"}
    capacity["ephemeral-storage"] = "1Gi"
    conditions = [
        {
            "type": kind,
            "status": value,
            "reason": reason,
            "message": message,
            "lastHeartbeatTime": now,
            "lastTransitionTime": _since(before.get(kind), value) or now,
        }
        for kind, value, reason, message in CONDITIONS
    ]
    return {
        "capacity": capacity,
        "allocatable": capacity,
        "conditions": conditions,
        "addresses": [{"type": "InternalIP", "address": spec.address}, {"type": "Hostname", "address": spec.name}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": _info(spec),
    }


def _since(condition: Mapping[str, Any] | None, value: str) -> str | None:
    return str(condition["lastTransitionTime"]) if condition and condition["status"] == value else None


def _info(spec: NodeSpec) -> Object:
    machine = os.uname()
    return {
        "machineID": spec.name,
        "systemUUID": spec.name,
        "bootID": spec.name,
        "kernelVersion": machine.release,
        "osImage": "meshctl sandbox",
        "containerRuntimeVersion": "meshctl://1",
        "kubeletVersion": VERSION,
        "kubeProxyVersion": VERSION,
        "operatingSystem": "linux",
        "architecture": "amd64",
    }


async def _renew(api: Api, spec: NodeSpec) -> None:
    renewed = {"holderIdentity": spec.name, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": _now()}
    metadata = {"name": spec.name, "namespace": "kube-node-lease"}
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": renewed}
    if not await api.ensure(LEASES, lease):
        await api.ask("PATCH", f"{LEASES}/{spec.name}", {"spec": renewed}, MERGE)


def _memory_kib() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
