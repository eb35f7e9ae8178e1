"""The mesh as the clusters' objects make it, kept up to date piece by piece."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

from meshctl.sandbox.xds import configs, kubernetes, mesh, mesh_config
from meshctl.sandbox.xds.configs import ConfigStore
from meshctl.sandbox.xds.istiod.change import Change
from meshctl.sandbox.xds.istiod.informer import Informer
from meshctl.sandbox.xds.istiod.kinds import ISTIO, Kind, Object
from meshctl.sandbox.xds.kubernetes import ClusterRegistry
from meshctl.sandbox.xds.mesh import Mesh
from meshctl.sandbox.xds.mesh_config import MeshConfig

LOG = logging.getLogger(__name__)
READ = ("Namespace", "Node", "Service", "Pod", "EndpointSlice")
MALFORMED = (AttributeError, KeyError, TypeError, ValueError)


@dataclass(slots=True)
class World:
    """What is known. `primary`: our own cluster; `change`: what happened since the mesh was last made."""

    primary: str
    namespace: str = "istio-system"
    config: MeshConfig = field(default_factory=MeshConfig)
    mesh: Mesh = field(default_factory=Mesh)
    change: Change = field(default_factory=lambda: Change(whole=True))
    _registries: dict[str, ClusterRegistry] = field(default_factory=dict)
    _configs: ConfigStore = field(default_factory=lambda: ConfigStore({}))

    def note(self, cluster: str, kind: Kind, before: Object | None, after: Object | None) -> None:
        """Take notice of an object that changed."""
        if kind.name in READ:
            self.change.clusters.add(cluster)
        elif kind.name == "DestinationRule":
            self.change.note_rule(before, after)
        elif kind.name != "ConfigMap" or (after or before or {})["metadata"]["name"] == "istio":
            self.change.whole = True

    def forget(self, cluster: str) -> None:
        """A cluster left the mesh."""
        self._registries.pop(cluster, None)
        self.change.whole = True

    def refresh(self, informers: Mapping[str, Informer]) -> Change:
        """Make the mesh anew as far as it changed; what changed."""
        change, self.change = self.change, Change()
        own = informers[self.primary]
        if change.whole:
            self.config = self._settings(own)
        for name, informer in informers.items():
            if informer.synced.is_set() and (change.whole or name in change.clusters):
                self._read(name, informer)
        if change.whole or change.rules:
            self._configs = configs.store(own.all(*(kind.name for kind in ISTIO)))
        # The order is that of the clusters' names with ours first, as a host's default address is the first one's.
        ordered = sorted(self._registries.items(), key=lambda item: (item[0] != self.primary, item[0]))
        known_clusters = [registry for _, registry in ordered]
        try:
            self.mesh = mesh.build(known_clusters, self._configs, self.config, self.primary, self.mesh)
        except MALFORMED as fault:
            LOG.error("the mesh stays as it was: Istio's objects are not what their schemas demand: %r", fault)
        return change

    def _read(self, name: str, informer: Informer) -> None:
        known = self._registries.get(name)
        try:
            self._registries[name] = kubernetes.read(name, informer.all(*READ), self.config, known)
        except MALFORMED as fault:
            LOG.error("cluster %s stays as it was: its objects are not what their schemas demand: %r", name, fault)

    def _settings(self, own: Informer) -> MeshConfig:
        found = own.get("ConfigMap", self.namespace, "istio") or {}
        try:
            raw = yaml.safe_load((found.get("data") or {}).get("mesh") or "") or {}
            return mesh_config.parse(raw)
        except (yaml.YAMLError, *MALFORMED) as fault:
            LOG.error(
                "ConfigMap %s/istio: mesh: not the fields of meshConfig, the last ones stay: %s", self.namespace, fault
            )
            return self.config
