"""One proxy with what it sees, and the place within it that routes or filters are built for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from meshctl.sandbox.xds import access_log, cluster_name, scope
from meshctl.sandbox.xds.mesh import Mesh
from meshctl.sandbox.xds.mesh_config import MeshConfig
from meshctl.sandbox.xds.message import Json
from meshctl.sandbox.xds.proxy import Proxy
from meshctl.sandbox.xds.scope import Scope
from meshctl.sandbox.xds.service import Service

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Site:
    """A proxy and its scope, with the services by host and the access log of its filters."""

    scope: Scope
    by_host: Mapping[str, Service]
    log: list[Json] = field(default_factory=list)

    @property
    def proxy(self) -> Proxy:
        """The proxy that all this is for."""
        return self.scope.proxy

    @property
    def mesh(self) -> Mesh:
        """The mesh that it belongs to."""
        return self.scope.mesh

    @property
    def settings(self) -> MeshConfig:
        """The mesh's settings."""
        return self.scope.mesh.config

    def rule(self, host: str) -> Fields | None:
        """The specification of the DestinationRule that applies to a visible host."""
        service = self.by_host.get(host)
        found = self.scope.destination_rule(service) if service else None
        return found.spec if found else None


def site(mesh: Mesh, proxy: Proxy) -> Site:
    """What a proxy sees of a mesh."""
    seen = scope.of(mesh, proxy)
    by_host = {service.hostname: service for service in seen.services}
    return Site(seen, by_host, access_log.of_requests(mesh.config))


@dataclass(frozen=True, slots=True)
class Place:
    """A port of a site's listeners and the gateway (`mesh` or namespace/name) whose rules count there.

    `service` finds the service that a route's host means; `tls` says whether a gateway terminates TLS there.
    """

    site: Site
    port: int
    gateway: str
    service: Callable[[str], Service | None]
    tls: bool = False

    def cluster(self, destination: Fields) -> str:
        """The cluster of a destination: at its port, else the service's only one, else the listener's."""
        host = destination.get("host") or ""
        service = self.service(host)
        number = (destination.get("port") or {}).get("number")
        if number is None:
            number = service.ports[0].number if service and len(service.ports) == 1 else self.port
        name = service.external_name if service and service.external_name else host
        return cluster_name.outbound(number, destination.get("subset") or "", name)
