"""What each proxy should have: the translators' work, done once for all proxies that get the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from meshctl.sandbox.xds import clusters, endpoints, listeners, routes, scope
from meshctl.sandbox.xds.istiod import difference
from meshctl.sandbox.xds.istiod.change import IN_LISTENERS, IN_ROUTES, Change
from meshctl.sandbox.xds.istiod.messages import CLUSTER, ENDPOINTS, LISTENER, ROUTES
from meshctl.sandbox.xds.mesh import Mesh
from meshctl.sandbox.xds.proxy import Proxy

Found = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Part:
    """New content of some types. `hosts`: only that of clusters of these hosts, the rest stays."""

    found: Found
    hosts: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Translation:
    """One push: `mesh` after a change.

    `hosts`: outside of their clusters nothing changed but `listeners` or `routes`; None: everything may have.
    `ruled`: those of them for which a rule changed. `before`: the mesh before, if any pod changed.
    """

    mesh: Mesh
    hosts: frozenset[str] | None = None
    ruled: frozenset[str] = frozenset()
    before: Mesh | None = None
    selective: bool = False
    reshaped: bool = False
    listeners: bool = True
    routes: bool = True
    _shared: dict[object, dict[str, Any]] = field(default_factory=dict)

    def of(self, proxy: Proxy) -> tuple[Part, ...]:
        """What to replace of what the proxy has."""
        if self.hosts is None or self._is_moved(proxy):
            return (Part(self._whole(proxy)),)
        if not self.hosts:
            return ()
        own = {target.service.hostname for target in self.mesh.registry.targets(proxy)} & self.ruled
        other: Found = {}
        if whole := bool(own or self.listeners or (self.reshaped and not proxy.is_sidecar)):
            other[LISTENER] = listeners.build(self.mesh, proxy)
        if whole or self.routes:
            other[ROUTES] = routes.build(self.mesh, proxy)
        if own:
            return (Part({**other, CLUSTER: clusters.build(self.mesh, proxy)}), self._of_hosts(proxy, inbound=True))
        return Part(other), self._of_hosts(proxy)

    def _is_moved(self, proxy: Proxy) -> bool:
        return self.before is not None and difference.is_moved(self.before, self.mesh, proxy)

    def _whole(self, proxy: Proxy) -> Found:
        return {
            CLUSTER: clusters.build(self.mesh, proxy),
            ENDPOINTS: self._endpoints(proxy),
            LISTENER: listeners.build(self.mesh, proxy),
            ROUTES: routes.build(self.mesh, proxy),
        }

    def _of_hosts(self, proxy: Proxy, *, inbound: bool = False) -> Part:
        shape = "of hosts", self._shape(proxy)
        if shape not in self._shared:
            view = scope.of(self.mesh, proxy)
            hosts = self.hosts or frozenset()
            narrow = replace(view, services=tuple(one for one in view.services if one.hostname in hosts))
            self._shared[shape] = {CLUSTER: clusters.of_services(narrow), ENDPOINTS: endpoints.of_services(narrow)}
        found: Found = self._shared[shape]
        return Part({ENDPOINTS: found[ENDPOINTS]} if inbound else found, self.hosts)

    def _endpoints(self, proxy: Proxy) -> dict[str, Any]:
        shape = self._shape(proxy)
        if shape not in self._shared:
            self._shared[shape] = endpoints.build(self.mesh, proxy)
        return self._shared[shape]

    def _shape(self, proxy: Proxy) -> object:
        """Proxies of equal shape get equal endpoint tables and outbound clusters."""
        pod = self.mesh.registry.workload(proxy)
        place = (pod.locality if pod else "") or proxy.locality
        common = proxy.type, proxy.namespace, proxy.cluster, proxy.network, proxy.view, place
        if self.selective or not proxy.is_sidecar:
            return (*common, proxy.name, proxy.address)
        return common


def translation(mesh: Mesh, change: Change | None = None, before: Mesh | None = None) -> Translation:
    """The work of a push after a change of the mesh `before`; without them everything, for a proxy that is new."""
    if change is None or before is None or change.whole:
        return Translation(mesh, selective=_is_selective(mesh))
    moved = difference.hosts_of_endpoints(before, mesh)
    if moved is None:
        return Translation(mesh, selective=_is_selective(mesh))
    ruled, rules = change.hosts(mesh.registry.by_host), mesh.configs.of("DestinationRule")
    return Translation(
        mesh,
        hosts=ruled | moved,
        ruled=ruled,
        before=before if change.clusters else None,
        selective=_is_selective(mesh),
        reshaped=change.reshaped,
        listeners=_any_headless(mesh, moved) or change.reaches(IN_LISTENERS, ruled, rules),
        routes=change.reaches(IN_ROUTES, ruled, rules),
    )


def _any_headless(mesh: Mesh, hosts: frozenset[str]) -> bool:
    """Whether any of the hosts has a listener for each of its endpoints."""
    return any(service.headless for host in hosts for service in mesh.registry.by_host.get(host, ()))


def _is_selective(mesh: Mesh) -> bool:
    """Whether clusters or endpoints may depend on a proxy's labels or node."""
    rules = mesh.configs.of("DestinationRule")
    if mesh.configs.of("EnvoyFilter"):
        return True
    if any("workloadSelector" in rule.spec or "failoverPriority" in str(rule.spec) for rule in rules):
        return True
    if "failoverPriority" in str(mesh.config.raw) or any(
        "workloadSelector" in sidecar.spec for sidecar in mesh.configs.of("Sidecar")
    ):
        return True
    return any(service.node_local or service.traffic_distribution for service in mesh.registry.services)


def merged(before: Mapping[str, Any], new: Mapping[str, Any], hosts: frozenset[str]) -> dict[str, Any]:
    """What was there, with the clusters of some hosts replaced; the names end in `|HOST` or `_.HOST`."""
    kept = {name: one for name, one in before.items() if _host(name) not in hosts}
    return {**kept, **new}


def _host(name: str) -> str:
    return name.rpartition("|")[2] if "|" in name else name.split("_.", 3)[-1]
