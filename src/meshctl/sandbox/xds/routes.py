"""Route discovery: every route configuration that a proxy's listeners refer to."""

from __future__ import annotations

from collections.abc import Sequence

from meshctl.sandbox.xds import gateway_routes, sidecar_outbound, sidecar_routes
from meshctl.sandbox.xds.mesh import Mesh
from meshctl.sandbox.xds.message import Json
from meshctl.sandbox.xds.place import Site, site
from meshctl.sandbox.xds.proxy import Proxy
from meshctl.sandbox.xds.scope import EgressListener


def build(mesh: Mesh, proxy: Proxy) -> dict[str, Json]:
    """The route configurations of a proxy by name, in xDS JSON with proto field names.

    Those of inbound listeners are not among them: they stand inside the listener.
    """
    seen = site(mesh, proxy)
    return _of_sidecar(seen) if proxy.is_sidecar else gateway_routes.build(seen)


def _of_sidecar(seen: Site) -> dict[str, Json]:
    entries = sidecar_outbound.entries(seen).values()
    wanted: dict[int, list[str]] = {}
    for entry in entries:
        if entry.routes and entry.routes not in wanted.setdefault(entry.port, []):
            wanted[entry.port].append(entry.routes)
    return {name: found for port, names in wanted.items() for name, found in _of_port(seen, port, names).items()}


def _of_port(seen: Site, port: int, names: Sequence[str]) -> dict[str, Json]:
    """The port's own configuration, named `9080`, and those of its sniffed services, named `host:9080`."""
    hosts = sidecar_routes.virtual_hosts(seen, _egress(seen, port), port)
    by_domain = {domain: host for host in hosts for domain in host["domains"]}
    return {
        name: sidecar_routes.sniffed(name, by_domain) if ":" in name else sidecar_routes.shared(seen, port, hosts)
        for name in names
    }


def _egress(seen: Site, port: int) -> EgressListener:
    """The Sidecar's egress entry for that port, else the one for all other ports."""
    egress = seen.scope.egress
    return next(listener for listener in egress if listener.port in (port, 0))
