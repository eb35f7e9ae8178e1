"""ServiceEntries as services and endpoints, with the pods and WorkloadEntries that they select."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_network
from typing import Any

from meshctl.sandbox.xds import protocol
from meshctl.sandbox.xds.configs import Config, ConfigStore
from meshctl.sandbox.xds.hosts import is_address
from meshctl.sandbox.xds.identity import spiffe
from meshctl.sandbox.xds.mesh_config import MeshConfig
from meshctl.sandbox.xds.service import (
    ISTIO_TLS,
    TLS_MODE_LABEL,
    UNSPECIFIED,
    Endpoint,
    Health,
    Labels,
    Origin,
    Port,
    Resolution,
    Service,
)
from meshctl.sandbox.xds.workloads import Workload, augmented, locality_of_labels
from meshctl.topology import NETWORK_LABEL

_RESOLUTIONS = {
    "NONE": Resolution.PASSTHROUGH,
    "STATIC": Resolution.CLIENT_SIDE,
    "DNS": Resolution.DNS,
    "DNS_ROUND_ROBIN": Resolution.DNS_ROUND_ROBIN,
    "DYNAMIC_DNS": Resolution.DYNAMIC_DNS,
}
_DNS = (Resolution.DNS, Resolution.DNS_ROUND_ROBIN)
Found = tuple[Service, tuple[Endpoint, ...]]


def services(configs: ConfigStore, pods: Sequence[Workload], config: MeshConfig, cluster: str) -> Iterator[Found]:
    """Each service of each ServiceEntry with its endpoints; `cluster` is the one that holds the objects."""
    candidates = (*pods, *workload_entries(configs, config, cluster))
    for entry in configs.of("ServiceEntry"):
        for service in _hosts(entry):
            yield service, tuple(_endpoints(entry, service, candidates, config, cluster))


def workload_entries(configs: ConfigStore, config: MeshConfig, cluster: str) -> tuple[Workload, ...]:
    """The WorkloadEntries, oldest first."""
    return tuple(workload_entry(entry, config, cluster) for entry in configs.of("WorkloadEntry"))


def selected_entries(service: Service, entries: Iterable[Workload]) -> Iterator[Endpoint]:
    """The endpoints that WorkloadEntries give a Kubernetes Service which selects them, as it does pods."""
    if service.resolution is not Resolution.CLIENT_SIDE or not service.selector:
        return
    chosen = [w for w in entries if w.namespace == service.namespace and service.selector.items() <= w.labels.items()]
    for port in service.ports:
        for workload in chosen:
            if isinstance(port.target, int) or port.target in workload.ports:
                yield _at(workload, port)


def workload_entry(entry: Config, config: MeshConfig, cluster: str) -> Workload:
    """A WorkloadEntry object as a workload; labels of its metadata win over those of its spec."""
    labels = {**(entry.spec.get("labels") or {}), **entry.labels}
    return _workload({**entry.spec, "labels": labels}, entry.name, entry.namespace, config, cluster)


def _workload(spec: Any, name: str, namespace: str, config: MeshConfig, cluster: str) -> Workload:
    labels: Labels = spec.get("labels") or {}
    account = spec.get("serviceAccount") or ""
    locality = spec.get("locality") or locality_of_labels(labels)
    network = labels.get(NETWORK_LABEL) or spec.get("network") or ""
    return Workload(
        uid=f"{namespace}/{name}",
        name=name,
        namespace=namespace,
        address=spec.get("address") or "",
        cluster=cluster,
        network=spec.get("network") or "",
        locality=locality,
        labels=augmented(labels, cluster, locality, "", network),
        own_labels=labels,
        service_account=spiffe(config.trust_domain, namespace, account) if account else "",
        tls_mode=labels.get(TLS_MODE_LABEL) or (ISTIO_TLS if account else "disabled"),
        weight=spec.get("weight") or 0,
        ports=spec.get("ports") or {},
    )


def _hosts(entry: Config) -> Iterator[Service]:
    """One service for each host and address (Istio serviceentry/conversion.go)."""
    spec = entry.spec
    ports = tuple(_port(port) for port in spec.get("ports") or ())
    addresses = [text for text in map(_address, spec.get("addresses") or ()) if text]
    for host in spec.get("hosts") or ():
        for address in addresses or [UNSPECIFIED]:
            yield Service(
                hostname=host,
                name=host,
                namespace=entry.namespace,
                ports=ports,
                resolution=_RESOLUTIONS[spec.get("resolution") or "NONE"],
                origin=Origin.EXTERNAL,
                default_address=address,
                mesh_external=spec.get("location", "MESH_EXTERNAL") == "MESH_EXTERNAL",
                export_to=frozenset(spec.get("exportTo") or ()),
                labels=entry.labels,
                selector=(spec.get("workloadSelector") or {}).get("labels") or {},
                service_accounts=tuple(spec.get("subjectAltNames") or ()),
                traffic_distribution=entry.annotations.get("networking.istio.io/traffic-distribution", ""),
                created=entry.created,
            )


def _port(port: Any) -> Port:
    return Port(
        port.get("name") or "",
        port["number"],
        protocol.parse(port.get("protocol") or ""),
        port.get("targetPort") or 0,
    )


def _address(text: str) -> str:
    if is_address(text):
        return text
    try:
        cidr = ip_network(text, strict=False)
    except ValueError:
        return ""
    return str(cidr.network_address) if cidr.prefixlen == cidr.max_prefixlen else text


def _endpoints(
    entry: Config, service: Service, candidates: Iterable[Workload], config: MeshConfig, cluster: str
) -> Iterator[Endpoint]:
    if "workloadSelector" in entry.spec:
        chosen = [w for w in candidates if w.namespace == entry.namespace and _selected(w, service)]
        yield from (_at(workload, port) for workload in chosen for port in service.ports)
    elif entry.spec.get("endpoints"):
        for index, spec in enumerate(entry.spec["endpoints"]):
            workload = _workload(spec, f"{entry.name}-{index}", entry.namespace, config, cluster)
            yield from (_at(workload, port) for port in service.ports)
    elif service.resolution in _DNS:
        yield from (_named(service, port, entry, cluster) for port in service.ports)


def _selected(workload: Workload, service: Service) -> bool:
    if not is_address(workload.address) and service.resolution not in _DNS:
        return False
    return workload.ready and service.selector.items() <= workload.own_labels.items()


def _at(workload: Workload, port: Port) -> Endpoint:
    named = port.target if isinstance(port.target, str) else port.name
    number = workload.ports.get(named) or port.target or port.number
    return Endpoint(
        address=workload.address,
        port=int(number),
        port_name=port.name,
        cluster=workload.cluster,
        network=workload.network,
        locality=workload.locality,
        labels=workload.labels,
        service_account=workload.service_account,
        tls_mode=workload.tls_mode,
        health=workload.health,
        workload=workload.name,
        namespace=workload.namespace,
        node=workload.node,
        weight=workload.weight,
    )


def _named(service: Service, port: Port, entry: Config, cluster: str) -> Endpoint:
    """The host's own name as the only address of a DNS entry without endpoints."""
    return Endpoint(
        address=service.hostname,
        port=int(port.target or port.number),
        port_name=port.name,
        cluster=cluster,
        tls_mode="disabled",
        health=Health.UNKNOWN,
        workload=entry.name,
        namespace=entry.namespace,
    )
