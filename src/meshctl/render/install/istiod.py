"""istiod: Deployment, Service, autoscaler (manifests/charts/istio-control/istio-discovery, Istio 1.31)."""

from __future__ import annotations

from typing import Any

from meshctl.render.install.autoscaler import autoscaler
from meshctl.render.install.containers import (
    USER,
    config,
    empty,
    field,
    limit,
    merged,
    mount,
    plain,
    secret,
    stated,
    token,
    unprivileged,
)
from meshctl.render.install.installation import REVISION, Installation
from meshctl.render.install.marks import RELEASE, owned
from meshctl.render.manifest import ISTIO_SYSTEM, Manifest, manifest

NAME = "istiod"
LABELS = {"app": NAME, "istio": "pilot"}
PORTS = {"http-debug": 8080, "grpc-xds": 15010, "tls-xds": 15012, "https-webhooks": 15017, "http-monitoring": 15014}
RESOURCES = {"requests": {"cpu": "500m", "memory": "2Gi"}}


def service() -> Manifest:
    """Service istiod; 443 is the webhooks'."""
    ports: list[dict[str, Any]] = [
        {"name": "grpc-xds", "port": 15010, "protocol": "TCP"},
        {"name": "https-dns", "port": 15012, "protocol": "TCP"},
        {"name": "https-webhook", "port": 443, "targetPort": 15017, "protocol": "TCP"},
        {"name": "http-monitoring", "port": 15014, "protocol": "TCP"},
    ]
    labels = {**LABELS, **RELEASE, **owned("Pilot")}
    return manifest("v1", "Service", NAME, ISTIO_SYSTEM, labels=labels, spec={"selector": LABELS, "ports": ports})


def workload(installation: Installation) -> list[Manifest]:
    """Deployment istiod, and its autoscaler where the file wants one."""
    pilot, k8s = installation.values["pilot"], installation.pilot_k8s
    labels = {**LABELS, **RELEASE, **owned("Pilot")}
    replicas = k8s.get("replicaCount") or pilot.get("replicaCount")
    scaled = pilot["autoscaleEnabled"] and not k8s.get("replicaCount")
    spec = {
        **({"replicas": replicas} if replicas and not scaled else {}),
        "selector": {"matchLabels": {"istio": "pilot"}},
        "strategy": {"rollingUpdate": {"maxSurge": "100%", "maxUnavailable": "25%"}},
        "template": _template(installation),
    }
    found = [manifest("apps/v1", "Deployment", NAME, ISTIO_SYSTEM, labels=labels, spec=spec)]
    marks = {"app": NAME, **RELEASE, **owned("Pilot")}
    return [*found, autoscaler(NAME, marks, k8s.get("hpaSpec") or {})] if scaled else found


def _template(installation: Installation) -> dict[str, Any]:
    k8s = installation.pilot_k8s
    aside = {"istio.io/dataplane-mode": "none", "sidecar.istio.io/inject": "false"}
    annotations = {
        "prometheus.io/port": "15014",
        "prometheus.io/scrape": "true",
        "sidecar.istio.io/inject": "false",
        **(k8s.get("podAnnotations") or {}),
    }
    pod = {
        "serviceAccountName": NAME,
        "securityContext": {"fsGroup": USER},
        "containers": [_container(installation)],
        "volumes": _volumes(),
        **stated(k8s, "nodeSelector", "tolerations", "affinity", "priorityClassName"),
    }
    return {"metadata": {"labels": {**LABELS, **owned("Pilot"), **aside}, "annotations": annotations}, "spec": pod}


def _container(installation: Installation) -> dict[str, Any]:
    pilot, given, k8s = installation.values["pilot"], installation.globals, installation.pilot_k8s
    policy = k8s.get("imagePullPolicy") or given.get("imagePullPolicy")
    return {
        "name": "discovery",
        "image": installation.image(pilot["image"], hub=pilot.get("hub"), tag=pilot.get("tag")),
        **({"imagePullPolicy": policy} if policy else {}),
        "args": [
            *("discovery", "--monitoringAddr=:15014", f"--log_output_level={given['logging']['level']}"),
            *("--domain", given["proxy"]["clusterDomain"], "--keepaliveMaxServerConnectionAge", "30m"),
        ],
        "ports": [{"containerPort": port, "name": name, "protocol": "TCP"} for name, port in PORTS.items()],
        "env": merged(_variables(installation), k8s.get("env") or []),
        # Upstream begins after a second and asks every three: nothing in the mesh starts before this one is ready.
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 1, "timeoutSeconds": 5},
        "resources": k8s.get("resources") or RESOURCES,
        "securityContext": {**unprivileged(), "runAsUser": USER, "runAsGroup": USER},
        "volumeMounts": _mounts(),
    }


def _variables(installation: Installation) -> list[dict[str, Any]]:
    pilot, given = installation.values["pilot"], installation.globals
    external = [plain("EXTERNAL_ISTIOD", True)] if given["externalIstiod"] else []
    return [
        plain("REVISION", REVISION),
        plain("PILOT_CERT_PROVIDER", given["pilotCertProvider"]),
        field("POD_NAME", "metadata.name"),
        field("POD_NAMESPACE", "metadata.namespace"),
        field("SERVICE_ACCOUNT", "spec.serviceAccountName"),
        plain("KUBECONFIG", "/var/run/secrets/remote/config"),
        plain("CA_TRUSTED_NODE_ACCOUNTS", f"{ISTIO_SYSTEM}/ztunnel"),
        *(plain(name, value) for name, value in (pilot.get("env") or {}).items()),
        plain("PILOT_TRACE_SAMPLING", pilot["traceSampling"]),
        *external,
        plain("PILOT_ENABLE_ANALYSIS", False),
        plain("CLUSTER_ID", installation.cluster),
        limit("GOMAXPROCS"),
        plain("PLATFORM", ""),
    ]


def _mounts() -> list[dict[str, Any]]:
    return [
        mount("istio-token", "/var/run/secrets/tokens", True),
        mount("local-certs", "/var/run/secrets/istio-dns"),
        mount("cacerts", "/etc/cacerts", True),
        mount("istio-kubeconfig", "/var/run/secrets/remote", True),
        mount("istio-csr-dns-cert", "/var/run/secrets/istiod/tls", True),
        mount("istio-csr-ca-configmap", "/var/run/secrets/istiod/ca", True),
    ]


def _volumes() -> list[dict[str, Any]]:
    return [
        empty("local-certs", medium="Memory"),
        token("istio-token"),
        secret("cacerts", "cacerts"),
        secret("istio-kubeconfig", "istio-kubeconfig"),
        secret("istio-csr-dns-cert", "istiod-tls"),
        config("istio-csr-ca-configmap", "istio-ca-root-cert", optional=True),
    ]
