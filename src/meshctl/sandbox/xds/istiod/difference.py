"""Where two meshes differ, if it is no more than in their endpoints."""

from __future__ import annotations

from meshctl.sandbox.xds.mesh import Mesh
from meshctl.sandbox.xds.proxy import Proxy


def hosts_of_endpoints(before: Mesh, after: Mesh) -> frozenset[str] | None:
    """The hosts whose endpoints differ; None if services, networks or settings differ too."""
    old, new = before.registry, after.registry
    if (before.config, before.networks, old.services) != (after.config, after.networks, new.services):
        return None
    keys = old.endpoints.keys() | new.endpoints.keys()
    return frozenset(host for host, ns in keys if old.endpoints.get((host, ns)) != new.endpoints.get((host, ns)))


def is_moved(before: Mesh, after: Mesh, proxy: Proxy) -> bool:
    """Whether a proxy's own pod, or what it serves, differs."""
    old, new = before.registry, after.registry
    return old.workload(proxy) != new.workload(proxy) or old.targets(proxy) != new.targets(proxy)
