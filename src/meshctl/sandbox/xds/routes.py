"""Route discovery: every route configuration that a proxy's listeners refer to."""

from __future__ import annotations

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
    wanted = {entry.routes: entry.port for entry in entries if entry.routes}
    return {name: _configuration(seen, name, port) for name, port in wanted.items()}


def _configuration(seen: Site, name: str, port: int) -> Json:
    listener = _egress(seen, port)
    if ":" in name:
        return sidecar_routes.for_service(seen, listener, name)
    return sidecar_routes.for_port(seen, listener, port)


def _egress(seen: Site, port: int) -> EgressListener:
    """The Sidecar's egress entry for that port, else the one for all other ports."""
    egress = seen.scope.egress
    return next(listener for listener in egress if listener.port in (port, 0))
