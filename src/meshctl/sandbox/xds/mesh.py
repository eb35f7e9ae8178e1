"""A whole mesh as values: what the control plane knows at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from meshctl import locality
from meshctl.locality import Gateways
from meshctl.sandbox.xds import destination_rules, kubernetes, peer_authentication, registry, virtual_services
from meshctl.sandbox.xds.configs import Config, ConfigStore, store
from meshctl.sandbox.xds.destination_rules import DestinationRules
from meshctl.sandbox.xds.kubernetes import ClusterRegistry
from meshctl.sandbox.xds.mesh_config import MeshConfig
from meshctl.sandbox.xds.peer_authentication import PeerAuthentications
from meshctl.sandbox.xds.registry import Registry
from meshctl.sandbox.xds.workloads import Object


@dataclass(frozen=True, slots=True)
class Mesh:
    """Settings, services and endpoints of all clusters, network gateways and the primary's Istio objects."""

    config: MeshConfig = field(default_factory=MeshConfig)
    registry: Registry = field(default_factory=Registry)
    networks: Gateways = field(default_factory=Gateways)
    configs: ConfigStore = field(default_factory=lambda: ConfigStore({}))
    virtual_services: tuple[Config, ...] = ()
    destination_rules: DestinationRules = field(default_factory=DestinationRules)
    peer_authentications: PeerAuthentications = field(default_factory=PeerAuthentications)


def assemble(objects: Mapping[str, Sequence[Object]], primary: str, config: MeshConfig) -> Mesh:
    """The mesh that these objects make: every object of each cluster, Istio's read from the primary alone."""
    clusters = [kubernetes.read(name, items, config) for name, items in objects.items()]
    return build(clusters, store(objects.get(primary, ())), config, primary)


def build(
    clusters: Iterable[ClusterRegistry],
    configs: ConfigStore,
    config: MeshConfig,
    primary: str,
    previous: Mesh | None = None,
) -> Mesh:
    """The mesh of clusters that were read before, so that a change in one needs only that one read again.

    `previous` is the mesh before this one: like istiod, it counts the gateways of clusters that left until
    another gateway changes.
    """
    known = tuple(clusters)
    return Mesh(
        config=config,
        registry=registry.merge(known, configs, config, primary),
        networks=_networks(known, previous),
        configs=configs,
        virtual_services=virtual_services.resolved(configs, config),
        destination_rules=destination_rules.index(configs.of("DestinationRule"), config),
        peer_authentications=peer_authentication.index(configs.of("PeerAuthentication"), config.root_namespace),
    )


def _networks(clusters: Sequence[ClusterRegistry], previous: Mesh | None) -> Gateways:
    found = {gateway for cluster in clusters for group in cluster.gateways.values() for gateway in group}
    present = {cluster.name for cluster in clusters}
    before = previous.networks.every if previous else ()
    if previous and found == {gateway for gateway in before if gateway.cluster in present}:
        return previous.networks
    return locality.gateways(found)
