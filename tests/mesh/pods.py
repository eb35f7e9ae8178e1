"""Pods of a small mesh for tests of what is said about them."""

from __future__ import annotations

from typing import Any

from meshctl.mesh import pod
from meshctl.mesh.pod import Pod


def document(name: str, workload: str, namespace: str = "istio", **more: Any) -> dict[str, Any]:
    """A pod of a Deployment with a sidecar, as the API shows it."""
    names = more.get("containers", (workload.rpartition("-")[0] or workload, "istio-proxy"))
    labels = {"app": workload.rpartition("-")[0], "version": workload.rpartition("-")[2], "pod-template-hash": "5d6f"}
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": labels,
            "ownerReferences": [{"kind": "ReplicaSet", "name": f"{workload}-5d6f", "controller": True}],
        },
        "spec": {"nodeName": more.get("node", "n1"), "containers": [{"name": one} for one in names]},
        "status": {
            "phase": more.get("phase", "Running"),
            "podIP": more.get("address", "172.20.0.9"),
            "conditions": [{"type": "Ready", "status": "True" if more.get("ready", True) else "False"}],
        },
    }


def made(cluster: str, name: str, workload: str, **more: Any) -> Pod:
    """That pod in a cluster."""
    return pod.parse(cluster, document(name, workload, **more))
