"""Bookinfo: four services, six deployments, in every cluster (samples/bookinfo/platform/kube/bookinfo.yaml)."""

from __future__ import annotations

from typing import Any

from meshctl.render.flavour import is_course
from meshctl.render.manifest import Manifest, manifest
from meshctl.render.namespaces import BOOKINFO as NAMESPACE
from meshctl.topology import Topology

PORT = 9080
VERSIONS = {"details": ("v1",), "ratings": ("v1",), "reviews": ("v1", "v2", "v3"), "productpage": ("v1",)}
# They write to /tmp although their root file system may be read-only.
SCRATCH = {"reviews": {"tmp": "/tmp", "wlp-output": "/opt/ibm/wlp/output"}, "productpage": {"tmp": "/tmp"}}  # noqa: S108
TAG_COURSE, TAG = "1.16.2", "1.20.3"


def manifests(topology: Topology) -> list[Manifest]:
    """Service, ServiceAccount and Deployments of each service, in that order."""
    tag = TAG_COURSE if is_course(topology) else TAG
    return [
        item
        for service, versions in VERSIONS.items()
        for item in (_service(service), _account(service), *(_deployment(service, v, tag) for v in versions))
    ]


def _service(name: str) -> Manifest:
    spec = {"ports": [{"port": PORT, "name": "http"}], "selector": {"app": name}}
    return manifest("v1", "Service", name, NAMESPACE, labels={"app": name, "service": name}, spec=spec)


def _account(name: str) -> Manifest:
    return manifest("v1", "ServiceAccount", f"bookinfo-{name}", NAMESPACE, labels={"account": name})


def _deployment(name: str, version: str, tag: str) -> Manifest:
    labels = {"app": name, "version": version}
    pod: dict[str, Any] = {"serviceAccountName": f"bookinfo-{name}", "containers": [_container(name, version, tag)]}
    if name in SCRATCH:
        pod["volumes"] = [{"name": volume, "emptyDir": {}} for volume in SCRATCH[name]]
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": dict(labels)},
        "template": {"metadata": {"labels": dict(labels)}, "spec": pod},
    }
    return manifest("apps/v1", "Deployment", f"{name}-{version}", NAMESPACE, labels=labels, spec=spec)


def _container(name: str, version: str, tag: str) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": name,
        "image": f"docker.io/istio/examples-bookinfo-{name}-{version}:{tag}",
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"containerPort": PORT}],
    }
    if name == "reviews":
        container["env"] = [{"name": "LOG_DIR", "value": "/tmp/logs"}]  # noqa: S108
    if name in SCRATCH:
        mounts = SCRATCH[name].items()
        container["volumeMounts"] = [{"name": volume, "mountPath": path} for volume, path in mounts]
    return container
