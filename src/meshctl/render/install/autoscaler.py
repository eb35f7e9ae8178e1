"""Autoscalers of istiod and the gateways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshctl.render.manifest import ISTIO_SYSTEM, Manifest, manifest


def autoscaler(name: str, labels: Mapping[str, str], own: Mapping[str, Any]) -> Manifest:
    """From one to five pods, by CPU; `own` has the file's `minReplicas` and `maxReplicas`."""
    target = {"type": "Utilization", "averageUtilization": 80}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": 1,
        "maxReplicas": 5,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        **own,
    }
    return manifest("autoscaling/v2", "HorizontalPodAutoscaler", name, ISTIO_SYSTEM, labels=labels, spec=spec)
