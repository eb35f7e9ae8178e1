"""One cluster's Kubernetes objects as services, endpoints and network gateways."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from meshctl.locality import Gateway
from meshctl.sandbox.xds import protocol
from meshctl.sandbox.xds.hosts import is_address
from meshctl.sandbox.xds.identity import spiffe
from meshctl.sandbox.xds.mesh_config import MeshConfig
from meshctl.sandbox.xds.service import UNSPECIFIED, Endpoint, Health, Port, Resolution, Service
from meshctl.sandbox.xds.workloads import Object, Surroundings, Workload, augmented, workloads
from meshctl.topology import NETWORK_LABEL

DEFAULT_GATEWAY_PORT = 15443
_GATEWAY_PORT_LABEL = "networking.istio.io/gatewayPort"
_SERVICE_NAME_LABEL = "kubernetes.io/service-name"
_SERVICE_PREFIX = 16


@dataclass(frozen=True, slots=True)
class ClusterRegistry:
    """What one Kubernetes API server contributes to the mesh; endpoints by hostname, gateways by Service."""

    name: str
    network: str = ""
    services: tuple[Service, ...] = ()
    endpoints: Mapping[str, tuple[Endpoint, ...]] = field(default_factory=dict)
    workloads: tuple[Workload, ...] = ()
    by_address: Mapping[str, Workload] = field(default_factory=dict)
    gateways: Mapping[tuple[str, str], tuple[Gateway, ...]] = field(default_factory=dict)
    namespace_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def read(
    cluster: str, objects: Iterable[Object], config: MeshConfig, previous: ClusterRegistry | None = None
) -> ClusterRegistry:
    """The registry of one cluster; kinds: Namespace, Node, Service, Pod, EndpointSlice (v1 of each).

    `previous` is what was read before: as with istiod, a pod keeps the locality that it started with, and a
    gateway Service that lost its addresses the last ones.
    """
    kinds = _by_kind(objects)
    namespaces = {item["metadata"]["name"]: item["metadata"] for item in kinds["Namespace"]}
    network = _labels(namespaces.get(config.root_namespace, {})).get(NETWORK_LABEL, "")
    nodes = {item["metadata"]["name"]: _labels(item["metadata"]) for item in kinds["Node"]}
    around = Surroundings(cluster, network, config.trust_domain, nodes)
    services = tuple(_services(cluster, kinds["Service"], namespaces, config))
    every_pod = workloads(kinds["Pod"], around, previous.workloads if previous else ())
    pods = Pods.of(every_pod)
    return ClusterRegistry(
        name=cluster,
        network=network,
        services=services,
        endpoints=_endpoints(kinds["EndpointSlice"], pods, around, config.domain),
        workloads=tuple(pod for pod in every_pod if pod.runs),
        by_address={**{pod.address: pod for pod in every_pod if pod.runs}, **pods.by_address},
        gateways=dict(_gateways(cluster, services, kinds["Service"], previous)),
        namespace_labels={name: _labels(meta) for name, meta in namespaces.items()},
    )


def _by_kind(objects: Iterable[Object]) -> dict[str, list[Object]]:
    kinds: dict[str, list[Object]] = defaultdict(list)
    for item in objects:
        if item["apiVersion"] in ("v1", "discovery.k8s.io/v1"):
            kinds[item["kind"]].append(item)
    return kinds


def _labels(meta: Mapping[str, Any]) -> Mapping[str, str]:
    return meta.get("labels") or {}


def _services(
    cluster: str, items: list[Object], namespaces: Mapping[str, Object], config: MeshConfig
) -> Iterator[Service]:
    names = {(item["metadata"].get("namespace"), item["metadata"]["name"]) for item in items}
    if ("default", "kubernetes") not in names:
        yield _api_service(cluster, items, config.domain)
    for item in items:
        annotations = namespaces.get(item["metadata"].get("namespace", "default"), {}).get("annotations") or {}
        yield service(cluster, item, config, annotations)


def _api_service(cluster: str, items: list[Object], domain: str) -> Service:
    """What every API server makes, for a listing without it; its address supposes a /16 of addresses."""
    addresses = [item["spec"].get("clusterIP") for item in items]
    known = sorted(IPv4Address(text) for text in addresses if text and text != "None" and ":" not in text)
    address = str(IPv4Network((known[0], _SERVICE_PREFIX), strict=False)[1]) if known else UNSPECIFIED
    return Service(
        hostname=f"kubernetes.default.svc.{domain}",
        name="kubernetes",
        namespace="default",
        ports=(Port("https", 443, protocol.Protocol.HTTPS),),
        default_address=address,
        addresses={cluster: (address,)},
        labels={"component": "apiserver", "provider": "kubernetes"},
    )


def service(cluster: str, item: Object, config: MeshConfig, ns_annotations: Mapping[str, str]) -> Service:
    """A Kubernetes Service (Istio serviceregistry/kube/conversion.go)."""
    meta, spec = item["metadata"], item.get("spec") or {}
    annotations = meta.get("annotations") or {}
    namespace = meta.get("namespace", "default")
    addresses = _cluster_ips(spec)
    external_name = spec.get("externalName", "") if spec.get("type") == "ExternalName" else ""
    return Service(
        hostname=f"{meta['name']}.{namespace}.svc.{config.domain}",
        name=meta["name"],
        namespace=namespace,
        ports=tuple(_port(port) for port in spec.get("ports") or ()),
        resolution=_resolution(spec, external_name),
        default_address=addresses[0],
        addresses={cluster: addresses},
        mesh_external=bool(external_name),
        export_to=_listed(annotations.get("networking.istio.io/exportTo", "")),
        labels=meta.get("labels") or {},
        selector=spec.get("selector") or {},
        service_accounts=_service_accounts(annotations, namespace, config.trust_domain),
        external_name=external_name,
        traffic_distribution=_traffic_distribution(spec, annotations, ns_annotations),
        publish_not_ready=bool(spec.get("publishNotReadyAddresses")),
        node_local=spec.get("internalTrafficPolicy") == "Local",
        created=str(meta.get("creationTimestamp") or ""),
    )


def _cluster_ips(spec: Object) -> tuple[str, ...]:
    address = spec.get("clusterIP") or ""
    if address in ("", "None"):
        return (UNSPECIFIED,)
    several = spec.get("clusterIPs") or ()
    return tuple(several) if len(several) > 1 else (address,)


def _resolution(spec: Object, external_name: str) -> Resolution:
    if spec.get("clusterIP") == "None":
        return Resolution.PASSTHROUGH
    return Resolution.ALIAS if external_name else Resolution.CLIENT_SIDE


def _port(port: Object) -> Port:
    return Port(
        port.get("name", ""),
        port["port"],
        protocol.of_service_port(port),
        port.get("targetPort") or port["port"],
    )


def _listed(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",")) if text else frozenset()


def _service_accounts(annotations: Object, namespace: str, trust_domain: str) -> tuple[str, ...]:
    canonical = annotations.get("alpha.istio.io/canonical-serviceaccounts")
    kubernetes = annotations.get("alpha.istio.io/kubernetes-serviceaccounts")
    named = [spiffe(trust_domain, namespace, name) for name in kubernetes.split(",")] if kubernetes else []
    return (*(canonical.split(",") if canonical else ()), *named)


def _traffic_distribution(spec: Object, annotations: Object, ns_annotations: Object) -> str:
    key = "networking.istio.io/traffic-distribution"
    return spec.get("trafficDistribution") or annotations.get(key) or ns_annotations.get(key) or ""


@dataclass(frozen=True, slots=True)
class Pods:
    """Workloads of one cluster by pod name and, as long as they run and stay, by address."""

    by_name: Mapping[tuple[str, str], Workload]
    by_address: Mapping[str, Workload]

    @classmethod
    def of(cls, known: Iterable[Workload]) -> Pods:
        """Index workloads."""
        every = tuple(known)
        return cls({(pod.namespace, pod.pod): pod for pod in every}, {pod.address: pod for pod in every if _stays(pod)})


def _stays(pod: Workload) -> bool:
    return pod.runs and not pod.leaves


def _endpoints(
    slices: Iterable[Object], pods: Pods, around: Surroundings, domain: str
) -> dict[str, tuple[Endpoint, ...]]:
    found: dict[str, dict[tuple[str, str], Endpoint]] = defaultdict(dict)
    for item in slices:
        name = _labels(item["metadata"]).get(_SERVICE_NAME_LABEL)
        if name and item.get("addressType") != "FQDN":
            namespace = item["metadata"].get("namespace", "default")
            host = found[f"{name}.{namespace}.svc.{domain}"]
            for endpoint in _slice_endpoints(item, namespace, pods, around):
                # One address may be in two slices while it moves from one to the other.
                host.setdefault((endpoint.address, endpoint.port_name), endpoint)
    return {host: tuple(endpoints.values()) for host, endpoints in found.items()}


def _slice_endpoints(item: Object, namespace: str, pods: Pods, around: Surroundings) -> Iterator[Endpoint]:
    for entry in item.get("endpoints") or ():
        health = _health(entry.get("conditions") or {})
        for address in entry.get("addresses") or ():
            workload, expected = _pod_of(entry, address, namespace, pods)
            if workload is None and expected:
                continue
            for port in item.get("ports") or ():
                yield _endpoint(workload, address, port, health, around)


def _pod_of(entry: Object, address: str, namespace: str, pods: Pods) -> tuple[Workload | None, bool]:
    ref = entry.get("targetRef") or {}
    if ref.get("kind") == "Pod":
        return pods.by_name.get((ref.get("namespace", namespace), ref["name"])), True
    workload = pods.by_address.get(address)
    return (workload if workload and workload.namespace == namespace else None), False


def _health(conditions: Object) -> Health:
    """Ready unless denied; an unready one is terminating unless that is denied (Istio endpointslice.go)."""
    if conditions.get("ready") in (None, True):
        return Health.HEALTHY
    if conditions.get("terminating") in (None, True):
        return Health.TERMINATING
    return Health.UNHEALTHY


def _endpoint(workload: Workload | None, address: str, port: Object, health: Health, around: Surroundings) -> Endpoint:
    if workload is None:
        network = around.network
        labels = augmented({}, around.cluster, "", "", network)
        return Endpoint(
            address=address,
            port=port.get("port") or 0,
            port_name=port.get("name") or "",
            cluster=around.cluster,
            network=network,
            labels=labels,
            tls_mode="disabled",
            health=health,
        )
    return Endpoint(
        address=address,
        port=port.get("port") or 0,
        port_name=port.get("name") or "",
        cluster=workload.cluster,
        network=workload.network,
        locality=workload.locality,
        labels=workload.labels,
        service_account=workload.service_account,
        tls_mode=workload.tls_mode,
        health=health,
        workload=workload.name,
        namespace=workload.namespace,
        node=workload.node,
    )


def _gateways(
    cluster: str, services: Iterable[Service], items: Iterable[Object], previous: ClusterRegistry | None
) -> Iterator[tuple[tuple[str, str], tuple[Gateway, ...]]]:
    """The addresses of Services labelled with a network (Istio kube/controller/network.go)."""
    ports = {(s.namespace, s.name): _gateway_port(s) for s in services if s.labels.get(NETWORK_LABEL)}
    for item in items:
        meta = item["metadata"]
        key = meta.get("namespace", "default"), meta["name"]
        if port := ports.get(key):
            addresses = filter(is_address, _external_addresses(item))
            network = _labels(meta)[NETWORK_LABEL]
            known = tuple(Gateway(address, port, network, cluster) for address in addresses)
            yield key, known or (previous.gateways.get(key, ()) if previous else ())


def _gateway_port(service: Service) -> int | None:
    text = service.labels.get(_GATEWAY_PORT_LABEL, "")
    number = int(text) if text.isdigit() else DEFAULT_GATEWAY_PORT
    return number if service.port(number) else None


def _external_addresses(item: Object) -> list[str]:
    spec = item["spec"]
    balancer = ((item.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    assigned = [entry["ip"] for entry in balancer if entry.get("ip")] if spec.get("type") == "LoadBalancer" else []
    return [*assigned, *(spec.get("externalIPs") or ())]
