"""DestinationRules as the labs write them: the course's settings, with names and localities of the topology."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshctl.render.bookinfo import PORT
from meshctl.render.manifest import NETWORKING, Manifest, manifest
from meshctl.render.namespaces import BOOKINFO as NAMESPACE
from meshctl.topology import Cluster

Policy = dict[str, Any]
KIND = "DestinationRule"

# Behind a gateway a pod is chosen for each connection, so each request makes its own; and a host that drops packets
# is given up after two seconds, not Envoy's ten. Neither changes where requests go.
MEASURABLE: Mapping[str, Any] = {
    "tcp": {"connectTimeout": "2s"},
    "http": {"maxRequestsPerConnection": 1},
}
# The course's own numbers.
OUTLIERS: Mapping[str, Any] = {"consecutive5xxErrors": 1, "interval": "5m", "baseEjectionTime": "15m"}
EJECTING: Mapping[str, Any] = {**OUTLIERS, "maxEjectionPercent": 100}


def rule(name: str, service: str, policy: Policy, port_level: bool = False) -> Manifest:
    """A DestinationRule of a Bookinfo service, made measurable; `port_level`: the policy is that of its port alone."""
    whole = {**policy, "connectionPool": dict(MEASURABLE)}
    spec: dict[str, Any] = {
        "host": f"{service}.{NAMESPACE}.svc.cluster.local",
        "trafficPolicy": {"portLevelSettings": [{"port": {"number": PORT}, **whole}]} if port_level else whole,
    }
    if service == "productpage":
        spec["subsets"] = [{"name": "v1", "labels": {"version": "v1"}}]
    return manifest(NETWORKING, KIND, name, NAMESPACE, spec=spec)


def distribute(*entries: tuple[str, Mapping[str, int]], outliers: Mapping[str, Any] | None = None) -> Policy:
    """Where the requests from each locality go, in percent."""
    return _policy({"distribute": [{"from": source, "to": dict(to)} for source, to in entries]}, outliers)


def failover(*pairs: tuple[str, str], outliers: Mapping[str, Any] | None = None) -> Policy:
    """Which region stands in for which."""
    return _policy({"failover": [{"from": source, "to": to} for source, to in pairs]}, outliers)


def _policy(setting: Mapping[str, Any], outliers: Mapping[str, Any] | None) -> Policy:
    policy: Policy = {"loadBalancer": {"localityLbSetting": {"enabled": True, **setting}}}
    return policy if outliers is None else {**policy, "outlierDetection": dict(outliers)}


def place(cluster: Cluster) -> str:
    """A cluster's locality as `region/zone/*`, or `region/*` where no zone is named."""
    return "/".join(part for part in (cluster.locality.region, cluster.locality.zone, "*") if part)


def region(cluster: Cluster) -> str:
    """A cluster's whole region."""
    return f"{cluster.locality.region}/*"
