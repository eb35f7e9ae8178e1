"""Listener discovery: every listener of a proxy."""

from __future__ import annotations

from meshctl.sandbox.xds import (
    access_log,
    cluster_name,
    gateway_listeners,
    sidecar_inbound,
    sidecar_outbound,
    tcp_proxy,
)
from meshctl.sandbox.xds.mesh import Mesh
from meshctl.sandbox.xds.message import Json, message, socket_address
from meshctl.sandbox.xds.place import Site, site
from meshctl.sandbox.xds.proxy import Proxy
from meshctl.sandbox.xds.service import UNSPECIFIED
from meshctl.sandbox.xds.sidecar_routes import egress_cluster

VIRTUAL_OUTBOUND, OUTBOUND_PORT = "virtualOutbound", 15001


def build(mesh: Mesh, proxy: Proxy) -> dict[str, Json]:
    """The listeners of a proxy by name, in xDS JSON with proto field names.

    What `istioctl proxy-config listeners` shows, without the extensions that only Istio's own Envoy has:
    `istio.metadata_exchange` and `istio.alpn`.
    """
    seen = site(mesh, proxy)
    if not proxy.is_sidecar:
        return gateway_listeners.build(seen)
    outbound = sidecar_outbound.build(seen)
    return {**outbound, VIRTUAL_OUTBOUND: _virtual_outbound(seen), **sidecar_inbound.build(seen)}


def _virtual_outbound(seen: Site) -> Json:
    """Where redirected connections arrive; those that no other listener stands for are dealt with here."""
    return message(
        name=VIRTUAL_OUTBOUND,
        address=socket_address(UNSPECIFIED, OUTBOUND_PORT),
        traffic_direction="OUTBOUND",
        use_original_dst=True,
        max_connections_to_accept_per_socket_event=1,
        access_log=access_log.of_listener(seen.settings),
        filter_chains=[_blackhole(), _catch_all(seen)],
    )


def _blackhole() -> Json:
    """Connections to the listener's own port would go round in circles."""
    return {
        "name": f"{VIRTUAL_OUTBOUND}-blackhole",
        "filter_chain_match": {"destination_port": OUTBOUND_PORT},
        "filters": [tcp_proxy.tcp_proxy(cluster_name.BLACK_HOLE, ())],
    }


def _catch_all(seen: Site) -> Json:
    proxy = tcp_proxy.tcp_proxy(egress_cluster(seen), seen.log)
    return {"name": f"{VIRTUAL_OUTBOUND}-catchall-tcp", "filters": [proxy]}
