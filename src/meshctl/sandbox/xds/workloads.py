"""Pods of one cluster as workloads: identity, locality, network and ports."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from meshctl.sandbox.xds.identity import spiffe
from meshctl.sandbox.xds.service import TLS_MODE_LABEL, Health, Labels
from meshctl.topology import NETWORK_LABEL, REGION_LABEL, SUBZONE_LABEL, ZONE_LABEL

CLUSTER_LABEL = "topology.istio.io/cluster"
HOSTNAME_LABEL = "kubernetes.io/hostname"
_LOCALITY_LABELS = ("topology.istio.io/locality", "istio-locality")
_WORKLOAD_LABEL = "service.istio.io/workload-name"
_BETA_LABELS = {
    REGION_LABEL: "failure-domain.beta.kubernetes.io/region",
    ZONE_LABEL: "failure-domain.beta.kubernetes.io/zone",
}
_CRON_JOB = re.compile(r"^(.+)-\d{8,10}$")

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Workload:
    """A pod or WorkloadEntry; `labels` have its topology added, `ports` are numbers by name.

    `pod`: the pod's own name. `runs`: whether its address is its own; an EndpointSlice may still name one that ended.
    `leaves`: whether it is being deleted.
    """

    uid: str
    name: str
    namespace: str
    address: str
    cluster: str
    network: str
    locality: str
    labels: Labels
    own_labels: Labels
    service_account: str
    tls_mode: str
    ready: bool = True
    health: Health = Health.UNKNOWN
    node: str = ""
    weight: int = 0
    ports: Mapping[str, int] = field(default_factory=dict)
    pod: str = ""
    runs: bool = True
    leaves: bool = False


def locality_of_labels(labels: Labels) -> str:
    """The locality that a workload states itself; without `/`, `.` reads as `/` (Istio model/proxy.go)."""
    text = next((labels[key] for key in _LOCALITY_LABELS if labels.get(key)), "")
    return text if "/" in text else text.replace(".", "/")


def locality_of_node(labels: Labels) -> str:
    """`region/zone/subzone` of a node's labels, the beta labels as fallback; empty if there are none."""
    parts = [
        labels.get(key) or labels.get(_BETA_LABELS.get(key, "")) or ""
        for key in (REGION_LABEL, ZONE_LABEL, SUBZONE_LABEL)
    ]
    return "/".join(parts) if any(parts) else ""


def augmented(labels: Labels, cluster: str, locality: str, node: str, network: str) -> dict[str, str]:
    """A workload's labels with its topology added (Istio serviceregistry/util/label)."""
    region, zone, subzone = (*locality.split("/"), "", "")[:3]
    topology = {
        REGION_LABEL: region,
        ZONE_LABEL: zone,
        SUBZONE_LABEL: subzone,
        CLUSTER_LABEL: cluster,
        HOSTNAME_LABEL: node,
    }
    merged = {**labels, **{key: value for key, value in topology.items() if value}}
    if network and not merged.get(NETWORK_LABEL):
        merged[NETWORK_LABEL] = network
    return merged


def tls_mode(labels: Labels) -> str:
    """`istio` if a sidecar terminates mutual TLS, else `disabled`."""
    return labels.get(TLS_MODE_LABEL) or "disabled"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a pod's place in the mesh depends on beside itself."""

    cluster: str
    network: str
    trust_domain: str
    node_labels: Mapping[str, Labels]


def workloads(pods: Iterable[Object], around: Surroundings, known: Iterable[Workload] = ()) -> tuple[Workload, ...]:
    """Every pod; `known` ones keep their locality."""
    localities = {workload.uid: workload.locality for workload in known}
    return tuple(_workload(pod, around, localities) for pod in pods)


def _runs(pod: Object) -> bool:
    """Whether a pod has an address and has not run to its end."""
    status = pod.get("status") or {}
    return bool(status.get("podIP")) and status.get("phase") not in ("Succeeded", "Failed")


def _uid(pod: Object) -> str:
    meta = pod["metadata"]
    return str(meta.get("uid") or f"{meta.get('namespace')}/{meta['name']}")


def _workload(pod: Object, around: Surroundings, known: Mapping[str, str]) -> Workload:
    meta, spec, uid = pod["metadata"], pod.get("spec") or {}, _uid(pod)
    labels = meta.get("labels") or {}
    node = spec.get("nodeName") or ""
    of_node = known[uid] if uid in known else locality_of_node(around.node_labels.get(node, {}))
    locality = locality_of_labels(labels) or of_node
    network = labels.get(NETWORK_LABEL) or around.network
    namespace = meta.get("namespace", "default")
    return Workload(
        uid=uid,
        name=labels.get(_WORKLOAD_LABEL) or _controller_name(meta, labels),
        namespace=namespace,
        address=(pod.get("status") or {}).get("podIP") or "",
        cluster=around.cluster,
        network=network,
        locality=locality,
        labels=augmented(labels, around.cluster, locality, node, network),
        own_labels=labels,
        service_account=spiffe(around.trust_domain, namespace, spec.get("serviceAccountName") or ""),
        tls_mode=tls_mode(labels),
        ready=_ready(pod) and not meta.get("deletionTimestamp"),
        leaves=bool(meta.get("deletionTimestamp")),
        health=Health.HEALTHY,
        node=node,
        ports=_port_names(spec),
        pod=meta["name"],
        runs=_runs(pod),
    )


def _controller_name(meta: Object, labels: Labels) -> str:
    """The Deployment's (or other owner's) name of a generated pod, else its own (Istio pkg/kube/util.go)."""
    owner = next((ref for ref in meta.get("ownerReferences") or () if ref.get("controller")), None)
    if not meta.get("generateName") or owner is None:
        return str(meta["name"])
    name: str = owner["name"]
    template_hash = labels.get("pod-template-hash") or labels.get("rollouts-pod-template-hash")
    if owner["kind"] == "ReplicaSet" and template_hash:
        return name.removesuffix(f"-{template_hash}")
    if owner["kind"] == "Job" and (cron := _CRON_JOB.match(name)):
        return cron[1]
    return name


def _ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)


def _port_names(spec: Object) -> dict[str, int]:
    native_sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    containers = (*(spec.get("containers") or ()), *native_sidecars)
    ports = (port for container in containers for port in container.get("ports") or ())
    return {port["name"]: port["containerPort"] for port in ports if port.get("name")}
