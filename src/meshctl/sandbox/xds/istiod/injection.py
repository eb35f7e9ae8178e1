"""Sidecars and gateways into pods: Istio 1.31's injection templates, reduced to what the sandbox's pods use."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from meshctl.sandbox.xds.istiod import containers
from meshctl.topology import NETWORK_LABEL

Object = dict[str, Any]
INJECT, TEMPLATES, PROXY_CONFIG = "sidecar.istio.io/inject", "inject.istio.io/templates", "proxy.istio.io/config"
# Istio pkg/kube/inject/webhook.go: IgnoredNamespaces.
IGNORED = frozenset({"kube-system", "kube-public", "kube-node-lease", "local-path-storage"})
_YES = frozenset({"y", "yes", "true", "on"})


@dataclass(frozen=True, slots=True)
class Site:
    """Where a pod is created: its cluster and network, the images, and the mesh's `defaultConfig`."""

    cluster: str
    network: str = ""
    mesh_id: str = ""
    trust_domain: str = "cluster.local"
    revision: str = "default"
    image: str = "docker.io/istio/proxyv2:1.31.0"
    proxy_config: Mapping[str, Any] = field(default_factory=dict)


def required(pod: Object, namespace: str) -> bool:
    """Whether a pod gets a proxy; the webhook's selectors have chosen it already. A label outweighs an annotation."""
    meta = pod.get("metadata") or {}
    if namespace in IGNORED or (pod.get("spec") or {}).get("hostNetwork"):
        return False
    stated = (meta.get("labels") or {}).get(INJECT, (meta.get("annotations") or {}).get(INJECT))
    return stated is None or str(stated).lower() in _YES


def patch(pod: Object, namespace: str, site: Site) -> list[Object]:
    """The JSONPatch that brings the proxy into a pod; ValueError says which annotation is wrong."""
    meta, spec = pod.get("metadata") or {}, pod.get("spec") or {}
    if "sidecar.istio.io/status" in (meta.get("annotations") or {}):
        return []
    wanted = _Pod.of(pod, namespace, site)
    parts = {
        "/metadata/labels": {**wanted.labels_added(), **(meta.get("labels") or {})},
        "/metadata/annotations": {**(meta.get("annotations") or {}), **wanted.annotations_added()},
        "/spec/initContainers": [*(spec.get("initContainers") or ()), *wanted.init_containers()],
        "/spec/containers": wanted.containers(),
        "/spec/volumes": _volumes(spec.get("volumes") or ()),
    }
    if wanted.gateway and not spec.get("securityContext"):
        parts["/spec/securityContext"] = {"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]}
    return [{"op": "add", "path": path, "value": value} for path, value in parts.items() if value]


@dataclass(frozen=True, slots=True)
class _Pod:
    """A pod under injection."""

    meta: Object
    spec: Object
    namespace: str
    site: Site
    annotations: Mapping[str, str]
    proxy_config: Mapping[str, Any]

    @classmethod
    def of(cls, pod: Object, namespace: str, site: Site) -> _Pod:
        meta = pod.get("metadata") or {}
        annotations = meta.get("annotations") or {}
        try:
            own = yaml.safe_load(annotations.get(PROXY_CONFIG) or "") or {}
        except yaml.YAMLError as fault:
            raise ValueError(f"annotation {PROXY_CONFIG}: not YAML: {fault}") from None
        if not isinstance(own, dict):
            raise ValueError(f"annotation {PROXY_CONFIG}: expected fields of ProxyConfig, saw {own!r}")
        return cls(meta, pod.get("spec") or {}, namespace, site, annotations, {**site.proxy_config, **own})

    @property
    def gateway(self) -> bool:
        return "gateway" in [text.strip() for text in self.annotations.get(TEMPLATES, "").split(",")]

    @property
    def labels(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.meta.get("labels") or {}
        return found

    @property
    def owner(self) -> tuple[str, str, str]:
        """API version, kind and name of what made the pod: a ReplicaSet's Deployment."""
        refs = [ref for ref in self.meta.get("ownerReferences") or () if ref.get("controller")]
        name = self.meta.get("name") or (self.meta.get("generateName") or "").removesuffix("-")
        if not refs:
            return "v1", "pods", name
        ref, template_hash = refs[0], self.labels.get("pod-template-hash", "")
        if ref["kind"] == "ReplicaSet" and template_hash and ref["name"].endswith(f"-{template_hash}"):
            return "apps/v1", "deployments", ref["name"].removesuffix(f"-{template_hash}")
        return ref["apiVersion"], f"{ref['kind'].lower()}s", ref["name"]

    def labels_added(self) -> dict[str, str]:
        names = ("service.istio.io/canonical-name", "app.kubernetes.io/name", "app")
        revisions = ("service.istio.io/canonical-revision", "app.kubernetes.io/version", "version")
        return {
            "security.istio.io/tlsMode": "istio",
            "istio.io/rev": self.site.revision,
            names[0]: self._first(names, self.owner[2]),
            revisions[0]: self._first(revisions, "latest"),
        }

    def _first(self, names: tuple[str, ...], default: str) -> str:
        return next((self.labels[name] for name in names if self.labels.get(name)), default)

    def annotations_added(self) -> dict[str, str]:
        status = {
            "initContainers": [] if self.gateway else ["istio-init"],
            "containers": ["istio-proxy"],
            "volumes": [volume["name"] for volume in containers.VOLUMES],
            "imagePullSecrets": None,
            "revision": self.site.revision,
        }
        added = {
            "istio.io/rev": self.site.revision,
            "prometheus.io/path": "/stats/prometheus",
            "prometheus.io/port": "15020",
            "prometheus.io/scrape": "true",
            "sidecar.istio.io/status": json.dumps(status, separators=(",", ":")),
        }
        apps = [one["name"] for one in self.spec.get("containers") or () if one["name"] != "istio-proxy"]
        if apps:
            added["kubectl.kubernetes.io/default-container"] = apps[0]
            added["kubectl.kubernetes.io/default-logs-container"] = apps[0]
        return {key: self.annotations.get(key, value) for key, value in added.items()}

    def init_containers(self) -> Iterator[Object]:
        if not self.gateway:
            yield containers.init(self.site.image, self.annotations)

    def containers(self) -> list[Object]:
        template = containers.proxy(self.gateway, self.site.image, self.environment(), self.annotations)
        existing = list(self.spec.get("containers") or ())
        own = next((one for one in existing if one["name"] == "istio-proxy"), None)
        if own is None:
            return [*existing, template]
        return [containers.overlaid(template, own) if one is own else one for one in existing]

    def environment(self) -> list[Object]:
        api, kind, name = self.owner
        prefix = f"kubernetes://apis/{api}" if "/" in api else "kubernetes://api/v1"
        network = self.labels.get(NETWORK_LABEL) or self.site.network
        apps = [one["name"] for one in self.spec.get("containers") or () if one["name"] != "istio-proxy"]
        plain = {
            "PILOT_CERT_PROVIDER": "istiod",
            "CA_ADDR": self.proxy_config.get("discoveryAddress") or "istiod.istio-system.svc:15012",
            "PROXY_CONFIG": json.dumps(self.proxy_config, separators=(",", ":")),
            "ISTIO_META_POD_PORTS": json.dumps(list(self._ports())),
            "ISTIO_META_APP_CONTAINERS": ",".join(apps),
            "ISTIO_META_CLUSTER_ID": self.site.cluster,
            "ISTIO_META_INTERCEPTION_MODE": self.annotations.get("sidecar.istio.io/interceptionMode", "REDIRECT"),
            "ISTIO_META_NETWORK": network,
            "ISTIO_META_WORKLOAD_NAME": name,
            "ISTIO_META_OWNER": f"{prefix}/namespaces/{self.namespace}/{kind}/{name}",
            "ISTIO_META_MESH_ID": self.site.mesh_id or self.site.trust_domain,
            "TRUST_DOMAIN": self.site.trust_domain,
        }
        stated = self.proxy_config.get("proxyMetadata") or {}
        given = [{"name": key, "value": str(value)} for key, value in {**plain, **stated}.items() if value]
        return [*containers.FIELDS, *given]

    def _ports(self) -> Iterator[Object]:
        return (port for one in self.spec.get("containers") or () for port in one.get("ports") or ())


def _volumes(existing: Any) -> list[Object]:
    names = {volume["name"] for volume in existing}
    return [*existing, *(volume for volume in containers.VOLUMES if volume["name"] not in names)]
