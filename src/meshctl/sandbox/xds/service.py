"""Services, their ports and endpoints as the mesh knows them, whatever they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from meshctl.sandbox.xds.protocol import Protocol

# Stands for an address that nobody assigned.
UNSPECIFIED = "0.0.0.0"
TLS_MODE_LABEL = "security.istio.io/tlsMode"
ISTIO_TLS = "istio"
Labels = Mapping[str, str]


class Resolution(Enum):
    """How a client finds the endpoints (Istio pilot/pkg/model/service.go)."""

    CLIENT_SIDE = "EDS or static endpoints"
    DNS = "every address of the name"
    DNS_ROUND_ROBIN = "one address of the name at a time"
    PASSTHROUGH = "the original destination"
    ALIAS = "another service (ExternalName)"
    DYNAMIC_DNS = "the name of each request"


class Origin(Enum):
    """The registry that a service came from."""

    KUBERNETES = "Kubernetes"
    EXTERNAL = "External"


class Health(Enum):
    """Envoy's health status of an endpoint; UNKNOWN is not written, TERMINATING ones are never sent."""

    UNKNOWN = "UNKNOWN"
    HEALTHY = "HEALTHY"
    UNHEALTHY = "UNHEALTHY"
    DRAINING = "DRAINING"
    TERMINATING = "TERMINATING"


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a service; `target` is the port of its endpoints, a name in some Kubernetes Services."""

    name: str
    number: int
    protocol: Protocol
    target: int | str = 0


@dataclass(frozen=True, slots=True)
class Service:
    """One host of the mesh, merged over the clusters that have it.

    `addresses` maps a cluster to its VIPs there; `export_to` empty means the mesh's default. The `name` of a
    ServiceEntry's host is the host itself.
    """

    hostname: str
    name: str
    namespace: str
    ports: tuple[Port, ...]
    resolution: Resolution = Resolution.CLIENT_SIDE
    origin: Origin = Origin.KUBERNETES
    default_address: str = UNSPECIFIED
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mesh_external: bool = False
    export_to: frozenset[str] = frozenset()
    labels: Labels = field(default_factory=dict)
    selector: Labels = field(default_factory=dict)
    service_accounts: tuple[str, ...] = ()
    external_name: str = ""
    aliases: tuple[str, ...] = ()
    traffic_distribution: str = ""
    publish_not_ready: bool = False
    node_local: bool = False
    created: str = ""

    def address_for(self, cluster: str) -> str:
        """The VIP that a proxy of `cluster` knows: its own cluster's, else the first cluster's."""
        own = self.addresses.get(cluster)
        return own[0] if own else self.default_address

    def port(self, number: int) -> Port | None:
        """The port of that number."""
        return next((port for port in self.ports if port.number == number), None)

    def port_named(self, name: str) -> Port | None:
        """The port of that name."""
        return next((port for port in self.ports if port.name == name), None)

    @property
    def kubernetes(self) -> bool:
        """Whether it is a Kubernetes Service."""
        return self.origin is Origin.KUBERNETES

    @property
    def headless(self) -> bool:
        """Whether a client dials the original destination."""
        return self.resolution is Resolution.PASSTHROUGH


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address and port behind a service port.

    `labels` are the workload's with its topology (region, zone, subzone, network, cluster, host name) added.
    `weight` 0 is unset. `port_name` names the service port that it serves.
    """

    address: str
    port: int
    port_name: str
    cluster: str
    network: str = ""
    locality: str = ""
    labels: Labels = field(default_factory=dict)
    service_account: str = ""
    tls_mode: str = ""
    health: Health = Health.HEALTHY
    workload: str = ""
    namespace: str = ""
    node: str = ""
    weight: int = 0

    @property
    def speaks_mtls(self) -> bool:
        """Whether a sidecar terminates Istio's mutual TLS in front of it."""
        return self.tls_mode == ISTIO_TLS


@dataclass(frozen=True, slots=True)
class Target:
    """A service port that a proxy's own workload serves, and the port where it listens."""

    service: Service
    port: Port
    target_port: int
