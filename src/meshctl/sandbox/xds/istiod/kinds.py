"""What the control plane watches of a cluster, and what it keeps of each object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_NOISE = frozenset({"managedFields", "resourceVersion", "selfLink", "generation"})
PROXY_CONTAINER = "istio-proxy"
_POD_SPEC = ("nodeName", "serviceAccountName")
_CONTAINER = ("name", "ports", "restartPolicy")


@dataclass(frozen=True, slots=True)
class Kind:
    """A collection to watch. `optional`: the server may not know it."""

    name: str
    api: str
    plural: str
    query: str = ""
    optional: bool = False
    reduce: Callable[[Object], Object] = lambda item: item

    @property
    def path(self) -> str:
        """The collection over all namespaces."""
        return f"/api/v1/{self.plural}" if self.api == "v1" else f"/apis/{self.api}/{self.plural}"

    def kept(self, item: Object) -> Object:
        """What is kept of an object, so that what changes nothing compares equal."""
        meta = {key: value for key, value in item["metadata"].items() if key not in _NOISE}
        if LAST_APPLIED in (meta.get("annotations") or {}):
            meta["annotations"] = {key: text for key, text in meta["annotations"].items() if key != LAST_APPLIED}
        return self.reduce({**item, "metadata": meta, "apiVersion": self.api, "kind": self.name})


def _pod(item: Object) -> Object:
    spec, status = item.get("spec") or {}, item.get("status") or {}
    ready = [
        {"type": "Ready", "status": one["status"]} for one in status.get("conditions") or () if one["type"] == "Ready"
    ]
    kept: Object = {key: spec[key] for key in _POD_SPEC if key in spec}
    for group in ("containers", "initContainers"):
        kept[group] = [_container(container) for container in spec.get(group) or ()]
    if mounted := [_only(volume, ("name", "secret")) for volume in spec.get("volumes") or () if volume.get("secret")]:
        kept["volumes"] = mounted
    state = {"podIP": status.get("podIP"), "phase": status.get("phase"), "conditions": ready}
    return {**_only(item, ("apiVersion", "kind", "metadata")), "spec": kept, "status": state}


def _container(container: Object) -> Object:
    of_proxy = container["name"] == PROXY_CONTAINER
    return _only(container, (*_CONTAINER, "volumeMounts") if of_proxy else _CONTAINER)


def _only(item: Mapping[str, Any], names: tuple[str, ...]) -> Object:
    return {name: item[name] for name in names if name in item}


def _labels(item: Object) -> Object:
    meta = _only(item["metadata"], ("name", "uid", "labels", "annotations", "creationTimestamp", "deletionTimestamp"))
    return {**_only(item, ("apiVersion", "kind")), "metadata": meta}


def _node(item: Object) -> Object:
    meta = _only(item["metadata"], ("name", "labels"))
    return {**_only(item, ("apiVersion", "kind")), "metadata": meta}


def _spec(item: Object) -> Object:
    return _only(item, ("apiVersion", "kind", "metadata", "spec"))


SECRETS = Kind(
    "Secret",
    "v1",
    "secrets",
    query="fieldSelector=type%21%3Dkubernetes.io%2Fservice-account-token%2Ctype%21%3Dhelm.sh%2Frelease.v1",
)
NAMESPACES = Kind("Namespace", "v1", "namespaces", reduce=_labels)
KUBERNETES = (
    NAMESPACES,
    Kind("Node", "v1", "nodes", reduce=_node),
    Kind("Service", "v1", "services"),
    Kind("Pod", "v1", "pods", reduce=_pod),
    Kind("EndpointSlice", "discovery.k8s.io/v1", "endpointslices"),
    SECRETS,
)


def config_maps(namespace: str) -> Kind:
    """The ConfigMaps of istiod's own namespace: the mesh's settings and those of injection."""
    return Kind("ConfigMap", "v1", f"namespaces/{namespace}/configmaps")


def _istio(name: str, plural: str, group: str = "networking.istio.io", version: str = "v1") -> Kind:
    return Kind(name, f"{group}/{version}", plural, optional=True, reduce=_spec)


ISTIO = (
    _istio("DestinationRule", "destinationrules"),
    _istio("VirtualService", "virtualservices"),
    _istio("Gateway", "gateways"),
    _istio("ServiceEntry", "serviceentries"),
    _istio("Sidecar", "sidecars"),
    _istio("WorkloadEntry", "workloadentries"),
    _istio("EnvoyFilter", "envoyfilters", version="v1alpha3"),
    _istio("PeerAuthentication", "peerauthentications", "security.istio.io"),
)
WEBHOOKS = Kind(
    "MutatingWebhookConfiguration", "admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", optional=True
)
