"""A pod: where it runs, and by what names Istio and people know it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PROXY = "istio-proxy"
DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
# Istio 1.31, pkg/model/proxy.go, CanonicalServiceName: the first of these labels, else the workload's name.
CANONICAL_NAME = ("service.istio.io/canonical-name", "app.kubernetes.io/name", "app")
CANONICAL_REVISION = ("service.istio.io/canonical-revision", "app.kubernetes.io/version", "version")


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod; `address` is empty until it has one."""

    cluster: str
    namespace: str
    name: str
    node: str
    address: str
    workload: str
    service: str
    version: str
    containers: tuple[str, ...]
    default_container: str
    running: bool
    ready: bool

    @property
    def has_proxy(self) -> bool:
        """Whether an Envoy of Istio's runs in it."""
        return PROXY in self.containers

    @property
    def proxy_name(self) -> str:
        """`pod.namespace`, as istioctl names proxies."""
        return f"{self.name}.{self.namespace}"

    @property
    def full_name(self) -> str:
        """`cluster/namespace/pod`, which no other pod of the mesh has."""
        return f"{self.cluster}/{self.namespace}/{self.name}"

    @property
    def path(self) -> str:
        """Where it lies in its cluster's API."""
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"


def parse(cluster: str, found: Mapping[str, Any]) -> Pod:
    """The pod that an API object describes."""
    metadata, spec, status = found["metadata"], found["spec"], found.get("status") or {}
    labels = metadata.get("labels") or {}
    workload = _workload(metadata, labels)
    containers = tuple(one["name"] for one in _containers(spec))
    return Pod(
        cluster,
        metadata["namespace"],
        metadata["name"],
        spec.get("nodeName") or "",
        status.get("podIP") or "",
        workload,
        _first(labels, CANONICAL_NAME) or workload,
        _first(labels, CANONICAL_REVISION),
        containers,
        _default(metadata.get("annotations") or {}, containers),
        status.get("phase") == "Running" and "deletionTimestamp" not in metadata,
        any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions") or ()),
    )


def _containers(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Those that keep running: native sidecars are init containers that are restarted always."""
    native = [one for one in spec.get("initContainers") or () if one.get("restartPolicy") == "Always"]
    return [*spec["containers"], *native]


def _workload(metadata: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """The name of the Deployment or other owner; the pod's own without one."""
    owners = [one for one in metadata.get("ownerReferences") or () if one.get("controller")]
    name = str(owners[0]["name"] if owners else metadata["name"])
    return name.removesuffix(f"-{labels['pod-template-hash']}") if "pod-template-hash" in labels else name


def _first(labels: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((labels[name] for name in names if labels.get(name)), "")


def _default(annotations: Mapping[str, str], containers: tuple[str, ...]) -> str:
    """The container that kubectl would choose, but never the proxy beside an application."""
    stated = annotations.get(DEFAULT_CONTAINER)
    if stated in containers:
        return str(stated)
    return next((one for one in containers if one != PROXY), containers[0])
