"""Gateways: Deployment, Service, account and autoscaler (manifests/charts/gateways, Istio 1.31)."""

from __future__ import annotations

from collections.abc import Mapping
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
from meshctl.render.install.installation import REVISION, Gateway, Installation
from meshctl.render.install.marks import RELEASE, owned
from meshctl.render.manifest import ISTIO_SYSTEM, Manifest, manifest

RBAC = "rbac.authorization.k8s.io"
PROMETHEUS = {
    "prometheus.io/path": "/stats/prometheus",
    "prometheus.io/port": "15020",
    "prometheus.io/scrape": "true",
}
RESOURCES = {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "128Mi"}}


def manifests(installation: Installation, gateway: Gateway) -> list[Manifest]:
    """Everything of one gateway."""
    own = {**_labels(gateway), **RELEASE, **owned(gateway.component)}
    subject = {"kind": "ServiceAccount", "name": _account(gateway)}
    role = f"{gateway.name}-sds"
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "watch", "list"]}]
    rbac_labels = {**RELEASE, **owned(gateway.component)}
    reference = {"apiGroup": RBAC, "kind": "Role", "name": role}
    found = [
        manifest("v1", "ServiceAccount", _account(gateway), ISTIO_SYSTEM, labels=own),
        manifest(f"{RBAC}/v1", "Role", role, ISTIO_SYSTEM, labels=rbac_labels, rules=rules),
        manifest(
            f"{RBAC}/v1", "RoleBinding", role, ISTIO_SYSTEM, labels=rbac_labels, roleRef=reference, subjects=[subject]
        ),
        _service(gateway, own),
        _deployment(installation, gateway, own),
    ]
    if _scaled(gateway):
        found.append(autoscaler(gateway.name, own, gateway.k8s.get("hpaSpec") or {}))
    return found


def _account(gateway: Gateway) -> str:
    return f"{gateway.name}-service-account"


def _labels(gateway: Gateway) -> dict[str, str]:
    return {**gateway.labels, **(gateway.values.get("labels") or {})}


def _scaled(gateway: Gateway) -> bool:
    return bool(gateway.values.get("autoscaleEnabled")) and not gateway.k8s.get("replicaCount")


def _service(gateway: Gateway, labels: Mapping[str, str]) -> Manifest:
    own = gateway.k8s.get("service") or {}
    spec = {"type": gateway.values["type"], "selector": _labels(gateway), **own, "ports": gateway.ports}
    annotations = gateway.k8s.get("serviceAnnotations") or {}
    return manifest("v1", "Service", gateway.name, ISTIO_SYSTEM, labels=labels, annotations=annotations, spec=spec)


def _deployment(installation: Installation, gateway: Gateway, labels: Mapping[str, str]) -> Manifest:
    dataplane = {} if gateway.injected else {"istio.io/dataplane-mode": "none"}
    replicas = gateway.k8s.get("replicaCount") or gateway.values.get("replicaCount")
    spec: dict[str, Any] = {
        **({"replicas": replicas} if replicas and not _scaled(gateway) else {}),
        "selector": {"matchLabels": _labels(gateway)},
        "strategy": {"rollingUpdate": {"maxSurge": "100%", "maxUnavailable": "25%"}},
        "template": _template(installation, gateway, dataplane),
    }
    return manifest("apps/v1", "Deployment", gateway.name, ISTIO_SYSTEM, labels={**labels, **dataplane}, spec=spec)


def _template(installation: Installation, gateway: Gateway, dataplane: Mapping[str, str]) -> dict[str, Any]:
    inject = "true" if gateway.injected else "false"
    labels = {**_labels(gateway), **RELEASE, **owned(gateway.component), "chart": "gateways", "heritage": "Tiller"}
    labels |= {
        "service.istio.io/canonical-name": gateway.name,
        "service.istio.io/canonical-revision": "latest",
        "sidecar.istio.io/inject": inject,
        **dataplane,
    }
    annotations = {**PROMETHEUS, "sidecar.istio.io/inject": inject}
    if gateway.injected:
        # The injector says which revision a proxy is of.
        del labels["istio.io/rev"]
        annotations["inject.istio.io/templates"] = gateway.values["injectionTemplate"]
    else:
        annotations["istio.io/rev"] = REVISION
    annotations |= gateway.k8s.get("podAnnotations") or {}
    pod = _injected(gateway) if gateway.injected else _complete(installation, gateway)
    pod["serviceAccountName"] = _account(gateway)
    pod |= stated(gateway.k8s, "nodeSelector", "tolerations", "affinity", "priorityClassName")
    return {"metadata": {"labels": labels, "annotations": annotations}, "spec": pod}


def _injected(gateway: Gateway) -> dict[str, Any]:
    """A pod that the injection template completes."""
    context = {**unprivileged(), "privileged": False, "runAsGroup": USER, "runAsUser": USER}
    container = {
        "name": "istio-proxy",
        "image": "auto",
        "ports": _ports(gateway),
        "env": _own_variables(gateway, []),
        "resources": gateway.k8s.get("resources") or RESOURCES,
        "securityContext": context,
        "volumeMounts": [mount(one["name"], f"/etc/istio/{one['name']}", True) for one in _secrets(gateway)],
    }
    security = {"runAsGroup": USER, "runAsNonRoot": True, "runAsUser": USER}
    return {"securityContext": security, "containers": [container], "volumes": _secrets(gateway)}


def _complete(installation: Installation, gateway: Gateway) -> dict[str, Any]:
    """A pod as it is, proxy and all."""
    given = installation.globals
    proxy = given["proxy"]
    container = {
        "name": "istio-proxy",
        "image": installation.image(proxy["image"]),
        **_pull(installation, gateway),
        "args": [
            *("proxy", "router", "--domain", f"$(POD_NAMESPACE).svc.{proxy['clusterDomain']}"),
            f"--proxyLogLevel={proxy['logLevel']}",
            f"--proxyComponentLogLevel={proxy['componentLogLevel']}",
            f"--log_output_level={given['logging']['level']}",
        ],
        "ports": _ports(gateway),
        "env": _own_variables(gateway, _variables(installation, gateway)),
        "readinessProbe": _probe(),
        "resources": gateway.k8s.get("resources") or RESOURCES,
        "securityContext": {**unprivileged(), "privileged": False},
        "volumeMounts": _mounts(gateway),
    }
    security = {"runAsGroup": USER, "runAsNonRoot": True, "runAsUser": USER}
    return {"securityContext": security, "containers": [container], "volumes": _volumes(gateway)}


def _pull(installation: Installation, gateway: Gateway) -> dict[str, str]:
    policy = gateway.k8s.get("imagePullPolicy") or installation.globals.get("imagePullPolicy")
    return {"imagePullPolicy": policy} if policy else {}


def _ports(gateway: Gateway) -> list[dict[str, Any]]:
    own = [
        {"containerPort": port.get("targetPort") or port["port"], "protocol": port.get("protocol") or "TCP"}
        for port in gateway.ports
    ]
    return [*own, {"containerPort": 15090, "name": "http-envoy-prom", "protocol": "TCP"}]


def _own_variables(gateway: Gateway, variables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Ours, and what the file adds; the cluster's and network's names come by injection where there is any."""
    given = [plain(name, value) for name, value in (gateway.values.get("env") or {}).items()]
    return merged([*variables, plain("ISTIO_META_UNPRIVILEGED_POD", True)], [*given, *(gateway.k8s.get("env") or ())])


def _variables(installation: Installation, gateway: Gateway) -> list[dict[str, Any]]:
    mesh, given = installation.mesh, installation.globals
    stated_metadata = mesh["defaultConfig"].get("proxyMetadata") or {}
    found = [
        plain("PILOT_CERT_PROVIDER", given["pilotCertProvider"]),
        plain("CA_ADDR", given["caAddress"] or f"istiod.{ISTIO_SYSTEM}.svc:15012"),
        field("NODE_NAME", "spec.nodeName"),
        field("POD_NAME", "metadata.name"),
        field("POD_NAMESPACE", "metadata.namespace"),
        field("INSTANCE_IP", "status.podIP"),
        field("HOST_IP", "status.hostIP"),
        limit("ISTIO_CPU_LIMIT"),
        field("SERVICE_ACCOUNT", "spec.serviceAccountName"),
        plain("ISTIO_META_WORKLOAD_NAME", gateway.name),
        plain("ISTIO_META_OWNER", _owner(gateway)),
        plain("ISTIO_META_MESH_ID", given["meshID"] or mesh["trustDomain"]),
        plain("TRUST_DOMAIN", mesh["trustDomain"]),
        *(plain(name, value) for name, value in stated_metadata.items()),
    ]
    if given["network"]:
        found.append(plain("ISTIO_META_NETWORK", given["network"]))
    return [
        *found,
        plain("ISTIO_META_CLUSTER_ID", installation.cluster),
        field("ISTIO_META_NODE_NAME", "spec.nodeName"),
    ]


def _owner(gateway: Gateway) -> str:
    return f"kubernetes://apis/apps/v1/namespaces/{ISTIO_SYSTEM}/deployments/{gateway.name}"


def _probe() -> dict[str, Any]:
    asked = {"path": "/healthz/ready", "port": 15021, "scheme": "HTTP"}
    # A second at the beginning is upstream's; here it would be most of what a gateway needs to start.
    return {"httpGet": asked, "failureThreshold": 30, "periodSeconds": 2, "timeoutSeconds": 1}


def _mounts(gateway: Gateway) -> list[dict[str, Any]]:
    return [
        mount("workload-socket", "/var/run/secrets/workload-spiffe-uds"),
        mount("credential-socket", "/var/run/secrets/credential-uds"),
        mount("workload-certs", "/var/run/secrets/workload-spiffe-credentials"),
        mount("istio-envoy", "/etc/istio/proxy"),
        mount("config-volume", "/etc/istio/config"),
        mount("istiod-ca-cert", "/var/run/secrets/istio"),
        mount("istio-token", "/var/run/secrets/tokens", True),
        mount("istio-data", "/var/lib/istio/data"),
        mount("podinfo", "/etc/istio/pod"),
        *(mount(one["name"], f"/etc/istio/{one['name']}", True) for one in _secrets(gateway)),
    ]


def _volumes(gateway: Gateway) -> list[dict[str, Any]]:
    info = [
        {"path": name, "fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.{name}"}}
        for name in ("labels", "annotations")
    ]
    return [
        empty("workload-socket"),
        empty("credential-socket"),
        empty("workload-certs"),
        config("istiod-ca-cert", "istio-ca-root-cert"),
        {"name": "podinfo", "downwardAPI": {"items": info}},
        empty("istio-envoy"),
        empty("istio-data"),
        token("istio-token"),
        config("config-volume", "istio", optional=True),
        *_secrets(gateway),
    ]


def _secrets(gateway: Gateway) -> list[dict[str, Any]]:
    """Secrets that a person may make to bring certificates into the gateway's files."""
    kind = gateway.component.removesuffix("s").lower()
    return [secret(f"{kind}-{one}", f"istio-{kind}-{one}") for one in ("certs", "ca-certs")]
