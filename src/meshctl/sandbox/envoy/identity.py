"""Who an Envoy says it is: the node of its bootstrap, as pilot-agent 1.31 sends it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
VERSION = "1.31.0"
META_PREFIX = "ISTIO_META_"
JSON_META_PREFIX = "ISTIO_METAJSON_"


@dataclass(frozen=True, slots=True)
class Identity:
    """A pod's proxy. `type`: sidecar or router; `locality` as region/zone/subzone; `environment`: the container's.

    `labels` and `annotations` are the pod's. Of `environment` ISTIO_META_* becomes metadata, POD_NAMESPACE and the like
    are ignored: the fields say it. `network`, `cluster` and `mesh_id` count where the environment says nothing.
    """

    type: str
    pod: str
    namespace: str
    address: str
    service_account: str
    node: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    locality: str = ""
    cluster: str = "Kubernetes"
    network: str = ""
    mesh_id: str = "cluster.local"
    domain: str = "cluster.local"

    @property
    def cluster_id(self) -> str:
        """The Kubernetes cluster's name in the mesh."""
        return self.environment.get(f"{META_PREFIX}CLUSTER_ID") or self.cluster


def node(who: Identity) -> Json:
    """The node of the bootstrap."""
    region, zone, sub_zone = (*who.locality.split("/"), "", "", "")[:3]
    place = {"region": region, "zone": zone, "sub_zone": sub_zone}
    return {
        "id": f"{who.type}~{who.address}~{who.pod}.{who.namespace}~{who.namespace}.svc.{who.domain}",
        "cluster": f"{_application(who)}.{who.namespace}",
        "locality": {name: value for name, value in place.items() if value},
        "metadata": metadata(who),
    }


def metadata(who: Identity) -> Json:
    """What istiod reads of a proxy (Istio pkg/model/proxy.go NodeMetadata)."""
    known = {
        "NAME": who.pod,
        "NAMESPACE": who.namespace,
        "SERVICE_ACCOUNT": who.service_account,
        "INSTANCE_IPS": who.address,
        "CLUSTER_ID": who.cluster_id,
        "NETWORK": who.network,
        "MESH_ID": who.mesh_id,
        "NODE_NAME": who.node,
        "ISTIO_VERSION": VERSION,
        "LABELS": dict(who.labels),
        "ANNOTATIONS": dict(who.annotations),
        "ENVOY_STATUS_PORT": 15021,
        "ENVOY_PROMETHEUS_PORT": 15090,
        "INTERCEPTION_MODE": "REDIRECT" if who.type == "sidecar" else "NONE",
        "METADATA_DISCOVERY": "true",
        "PILOT_SAN": ["istiod.istio-system.svc"],
    }
    return {name: value for name, value in {**known, **_stated(who.environment)}.items() if value not in ("", {})}


def _stated(environment: Mapping[str, str]) -> Json:
    plain = {
        name.removeprefix(META_PREFIX): value for name, value in environment.items() if name.startswith(META_PREFIX)
    }
    found: Json = {name: value for name, value in plain.items() if value}
    for name, value in environment.items():
        if name.startswith(JSON_META_PREFIX):
            found.update(_document(value))
    return found


def _document(text: str) -> Json:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _application(who: Identity) -> str:
    names = ("service.istio.io/canonical-name", "app.kubernetes.io/name", "app")
    return next((who.labels[name] for name in names if who.labels.get(name)), who.pod)
