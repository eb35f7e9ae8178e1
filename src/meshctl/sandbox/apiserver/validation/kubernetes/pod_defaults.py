"""What the API server fills into pods and pod templates (k8s.io/kubernetes, pkg/apis/core/v1/defaults.go, 1.36)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Object = dict[str, Any]
CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
_MODE = 0o644
_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_CONTAINER = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}


def fill(target: Object, defaults: Object) -> None:
    """Set the keys that are absent."""
    for key, value in defaults.items():
        target.setdefault(key, value)


def default_template(owner: Object) -> None:
    """The `template` of a workload, which must have a pod's spec."""
    template = owner.setdefault("template", {})
    template.setdefault("metadata", {})
    default_pod_spec(template.setdefault("spec", {}))


def default_pod_spec(spec: Object) -> None:
    """A pod's spec."""
    fill(spec, {"restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst"})
    fill(spec, {"securityContext": {}, "schedulerName": "default-scheduler"})
    for one, other in (("serviceAccountName", "serviceAccount"), ("serviceAccount", "serviceAccountName")):
        if spec.get(one):
            spec.setdefault(other, spec[one])
    for container in containers(spec):
        _container(container, bool(spec.get("hostNetwork")))
    for volume in spec.get("volumes") or ():
        _volume(volume)


def containers(spec: Object) -> Iterator[Object]:
    """Every container of a pod's spec, those of initialisation first."""
    for field in CONTAINERS:
        yield from spec.get(field) or ()


def _container(container: Object, on_host: bool) -> None:
    fill(container, _CONTAINER)
    fill(container, {"imagePullPolicy": _pull_policy(container.get("image") or ""), "resources": {}})
    resources = container["resources"]
    if resources.get("limits"):
        resources["requests"] = {**resources["limits"], **(resources.get("requests") or {})}
    for port in container.get("ports") or ():
        fill(port, {"protocol": "TCP"})
        if on_host and "containerPort" in port:
            fill(port, {"hostPort": port["containerPort"]})
    for variable in container.get("env") or ():
        _field_reference((variable.get("valueFrom") or {}).get("fieldRef"))
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(name) is not None:
            fill(container[name], _PROBE)
            _handler(container[name])
    for handler in (container.get("lifecycle") or {}).values():
        if isinstance(handler, dict):
            _handler(handler)


def _pull_policy(image: str) -> str:
    """Always for the tag `latest` or none, unless a digest says what is meant."""
    name = image.rpartition("/")[2]
    if "@" in name:
        return "IfNotPresent"
    return "Always" if name.partition(":")[2] in ("", "latest") else "IfNotPresent"


def _field_reference(reference: Object | None) -> None:
    if reference is not None:
        fill(reference, {"apiVersion": "v1"})


def _handler(handler: Object) -> None:
    if handler.get("httpGet") is not None:
        fill(handler["httpGet"], {"path": "/", "scheme": "HTTP"})
    if handler.get("grpc") is not None:
        fill(handler["grpc"], {"service": ""})


def _volume(volume: Object) -> None:
    if not volume.keys() - {"name"}:
        volume["emptyDir"] = {}
    for source in ("secret", "configMap", "downwardAPI", "projected"):
        if volume.get(source) is not None:
            fill(volume[source], {"defaultMode": _MODE})
    if volume.get("hostPath") is not None:
        fill(volume["hostPath"], {"type": ""})
    if volume.get("ephemeral") is not None:
        _claim(volume["ephemeral"].get("volumeClaimTemplate") or {})
    projected = (volume.get("projected") or {}).get("sources") or ()
    for source in ({"downwardAPI": volume.get("downwardAPI")}, *projected):
        _projection(source)


def _projection(source: Object) -> None:
    for item in (source.get("downwardAPI") or {}).get("items") or ():
        _field_reference(item.get("fieldRef"))
    if source.get("serviceAccountToken") is not None:
        fill(source["serviceAccountToken"], {"expirationSeconds": 3600})


def _claim(claim: Object) -> None:
    fill(claim.setdefault("spec", {}), {"volumeMode": "Filesystem"})
