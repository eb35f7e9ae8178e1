"""Istio's profiles: what an IstioOperator file starts from (manifests/profiles, Istio 1.31)."""

from __future__ import annotations

from typing import Any

Values = dict[str, Any]

_INGRESS, _EGRESS = "istio-ingressgateway", "istio-egressgateway"
_HTTP = [{"name": "http2", "port": 80, "targetPort": 8080}, {"name": "https", "port": 443, "targetPort": 8443}]
_STATUS = {"name": "status-port", "port": 15021, "targetPort": 15021}
_DEMO_PORTS = [
    _STATUS,
    *_HTTP,
    {"name": "tcp", "port": 31400, "targetPort": 31400},
    {"name": "tls", "port": 15443, "targetPort": 15443},
]


def _typed(ports: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**port, "protocol": "TCP"} for port in ports]


INGRESS_PORTS, EGRESS_PORTS = _typed([_STATUS, *_HTTP]), _typed(_HTTP)
# manifests/helm-profiles/demo.yaml
_PROVIDERS: list[Values] = [
    {
        "name": "otel",
        "envoyOtelAls": {"service": "opentelemetry-collector.observability.svc.cluster.local", "port": 4317},
    },
    {"name": "skywalking", "skywalking": {"service": "tracing.istio-system.svc.cluster.local", "port": 11800}},
    {
        "name": "otel-tracing",
        "opentelemetry": {"port": 4317, "service": "opentelemetry-collector.observability.svc.cluster.local"},
    },
    {"name": "jaeger", "opentelemetry": {"port": 4317, "service": "jaeger-collector.istio-system.svc.cluster.local"}},
]
_SMALL = {"requests": {"cpu": "10m", "memory": "40Mi"}}


def _components(*, ingress: bool = False, egress: bool = False, control: bool = True) -> Values:
    return {
        "base": {"enabled": control},
        "pilot": {"enabled": control},
        "ingressGateways": [{"name": _INGRESS, "enabled": ingress}],
        "egressGateways": [{"name": _EGRESS, "enabled": egress}],
    }


_DEMO: Values = {
    "components": {
        "base": {"enabled": True},
        "pilot": {"enabled": True, "k8s": {"resources": {"requests": {"cpu": "10m", "memory": "100Mi"}}}},
        "ingressGateways": [
            {"name": _INGRESS, "enabled": True, "k8s": {"resources": _SMALL, "service": {"ports": _DEMO_PORTS}}}
        ],
        "egressGateways": [{"name": _EGRESS, "enabled": True, "k8s": {"resources": _SMALL}}],
    },
    "meshConfig": {"accessLogFile": "/dev/stdout", "extensionProviders": _PROVIDERS},
    "values": {
        "pilot": {"autoscaleEnabled": False, "replicaCount": 1, "traceSampling": 100},
        "gateways": {name: {"autoscaleEnabled": False} for name in (_INGRESS, _EGRESS)},
    },
}
PROFILES: dict[str, Values] = {
    "default": {"components": _components(ingress=True)},
    "demo": _DEMO,
    "minimal": {"components": _components()},
    "remote": {"components": _components(), "values": {"istiodRemote": {"enabled": True}}},
    "empty": {"components": _components(control=False)},
}
# What every profile stands on: the charts' own values.yaml.
GROUND: Values = {
    "meshConfig": {
        "defaultProviders": {"metrics": ["prometheus"]},
        "enablePrometheusMerge": True,
        "rootNamespace": "istio-system",
        "trustDomain": "cluster.local",
    },
    "values": {
        "global": {
            "caAddress": "",
            "configValidation": True,
            "externalIstiod": False,
            "hub": "docker.io/istio",
            "istioNamespace": "istio-system",
            "logging": {"level": "default:info"},
            "meshID": "",
            "multiCluster": {"clusterName": ""},
            "network": "",
            "pilotCertProvider": "istiod",
            "proxy": {
                "image": "proxyv2",
                "clusterDomain": "cluster.local",
                "logLevel": "warning",
                "componentLogLevel": "misc:error",
            },
            "remotePilotAddress": "",
        },
        "pilot": {"autoscaleEnabled": True, "image": "pilot", "traceSampling": 1},
        "istiodRemote": {"injectionPath": ""},
        "gateways": {
            _INGRESS: {"type": "LoadBalancer", "autoscaleEnabled": True, "injectionTemplate": ""},
            _EGRESS: {"type": "ClusterIP", "autoscaleEnabled": True, "injectionTemplate": ""},
        },
    },
}
