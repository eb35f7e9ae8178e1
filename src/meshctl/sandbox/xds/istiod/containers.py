"""The containers and volumes that injection adds (Istio manifests/charts/istio-control/istio-discovery/files, 1.31)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Object = dict[str, Any]
STATUS_PORT = 15021
_TRAFFIC = "traffic.sidecar.istio.io"


def _field(name: str, path: str) -> Object:
    return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}


FIELDS: tuple[Object, ...] = (
    _field("POD_NAME", "metadata.name"),
    _field("POD_NAMESPACE", "metadata.namespace"),
    _field("INSTANCE_IP", "status.podIP"),
    _field("SERVICE_ACCOUNT", "spec.serviceAccountName"),
    _field("HOST_IP", "status.hostIP"),
    _field("ISTIO_META_NODE_NAME", "spec.nodeName"),
)
_INFO = [
    {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.{name}"}, "path": name}
    for name in ("labels", "annotations")
]
_TOKEN = {"serviceAccountToken": {"audience": "istio-ca", "expirationSeconds": 43200, "path": "istio-token"}}
VOLUMES: tuple[Object, ...] = (
    {"name": "workload-socket", "emptyDir": {}},
    {"name": "credential-socket", "emptyDir": {}},
    {"name": "workload-certs", "emptyDir": {}},
    {"name": "istio-envoy", "emptyDir": {"medium": "Memory"}},
    {"name": "istio-data", "emptyDir": {}},
    {"name": "istio-podinfo", "downwardAPI": {"items": _INFO}},
    {"name": "istio-token", "projected": {"sources": [_TOKEN]}},
    {"name": "istiod-ca-cert", "configMap": {"name": "istio-ca-root-cert"}},
)
_MOUNTS = {
    "workload-socket": "/var/run/secrets/workload-spiffe-uds",
    "credential-socket": "/var/run/secrets/credential-uds",
    "workload-certs": "/var/run/secrets/workload-spiffe-credentials",
    "istiod-ca-cert": "/var/run/secrets/istio",
    "istio-data": "/var/lib/istio/data",
    "istio-envoy": "/etc/istio/proxy",
    "istio-token": "/var/run/secrets/tokens",
    "istio-podinfo": "/etc/istio/pod",
}
_PROBE = {"httpGet": {"path": "/healthz/ready", "port": STATUS_PORT}, "timeoutSeconds": 3}


def init(image: str, annotations: Mapping[str, str]) -> Object:
    """What redirects the pod's traffic to its proxy."""
    excluded = annotations.get(f"{_TRAFFIC}/excludeInboundPorts", "")
    arguments = [
        *("istio-iptables", "-p", "15001", "-z", "15006", "-u", "1337"),
        *("-m", annotations.get("sidecar.istio.io/interceptionMode", "REDIRECT")),
        *("-i", annotations.get(f"{_TRAFFIC}/includeOutboundIPRanges", "*")),
        *("-x", annotations.get(f"{_TRAFFIC}/excludeOutboundIPRanges", "")),
        *("-b", annotations.get(f"{_TRAFFIC}/includeInboundPorts", "*")),
        *("-d", ",".join(filter(None, ("15090,15021", excluded, "15020")))),
    ]
    optional = {"-q": "includeOutboundPorts", "-o": "excludeOutboundPorts", "-k": "kubevirtInterfaces"}
    for flag, name in optional.items():
        if value := annotations.get(f"{_TRAFFIC}/{name}"):
            arguments += [flag, value]
    return {
        "name": "istio-init",
        "image": image,
        "args": [*arguments, "--log_output_level=default:info"],
        "resources": _resources(annotations),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"add": ["NET_ADMIN", "NET_RAW"], "drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": False,
            "runAsGroup": 0,
            "runAsNonRoot": False,
            "runAsUser": 0,
        },
    }


def proxy(gateway: bool, image: str, environment: Iterable[Object], annotations: Mapping[str, str]) -> Object:
    """The proxy's container."""
    kind = "router" if gateway else "sidecar"
    level = annotations.get("sidecar.istio.io/logLevel", "warning")
    components = annotations.get("sidecar.istio.io/componentLogLevel", "misc:error")
    ports = [{"containerPort": 15090, "name": "http-envoy-prom", "protocol": "TCP"}]
    made: Object = {
        "name": "istio-proxy",
        "image": annotations.get("sidecar.istio.io/proxyImage") or image,
        "args": [
            *("proxy", kind, "--domain", "$(POD_NAMESPACE).svc.cluster.local"),
            *(f"--proxyLogLevel={level}", f"--proxyComponentLogLevel={components}", "--log_output_level=default:info"),
        ],
        "env": list(environment),
        "ports": ports,
        "readinessProbe": {**_PROBE, "failureThreshold": 4, "periodSeconds": 15},
        "resources": _resources(annotations),
        "securityContext": _unprivileged(),
        "volumeMounts": [{"name": name, "mountPath": path} for name, path in _MOUNTS.items()],
    }
    if not gateway:
        made["startupProbe"] = {**_PROBE, "failureThreshold": 600, "periodSeconds": 1}
    return made


def overlaid(template: Object, own: Object) -> Object:
    """A container that the pod states itself, over the template; `image: auto` leaves the template's."""
    stated = {key: value for key, value in own.items() if value not in (None, "auto", "", [], {})}
    merged = {**template, **stated}
    for key, identity in (("env", "name"), ("ports", "containerPort"), ("volumeMounts", "mountPath")):
        entries = {entry[identity]: entry for entry in (*template.get(key, ()), *(own.get(key) or ()))}
        merged[key] = list(entries.values())
    return merged


def _unprivileged() -> Object:
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "runAsGroup": 1337,
        "runAsNonRoot": True,
        "runAsUser": 1337,
    }


def _resources(annotations: Mapping[str, str]) -> Object:
    names = {"cpu": ("proxyCPU", "100m"), "memory": ("proxyMemory", "128Mi")}
    most = {"cpu": ("proxyCPULimit", "2"), "memory": ("proxyMemoryLimit", "1Gi")}
    return {
        kind: {key: annotations.get(f"sidecar.istio.io/{name}", default) for key, (name, default) in table.items()}
        for kind, table in (("requests", names), ("limits", most))
    }
