"""TCP proxies: the network filters that pass a connection's bytes on to a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meshctl.sandbox.xds import duration, hash_policy
from meshctl.sandbox.xds.configs import Config
from meshctl.sandbox.xds.message import Json, extension, message
from meshctl.sandbox.xds.place import Place
from meshctl.sandbox.xds.protocol import Protocol

Fields = Mapping[str, Any]


def tcp_proxy(cluster: str, log: Sequence[Json], **fields: Any) -> Json:
    """The filter for one cluster, which also names its statistics."""
    return _filter(stat_prefix=cluster, cluster=cluster, access_log=list(log), **fields)


def to_cluster(
    cluster: str, log: Sequence[Json], rule: Fields | None, subset: str = "", *, tunnel: bool = True
) -> Json:
    """The filter for one cluster with what its DestinationRule says of connections."""
    fields = _connection(rule) | {"hash_policy": hash_policy.of_connection(rule, subset)}
    return tcp_proxy(cluster, log, **fields, tunneling_config=_tunnel(rule, subset) if tunnel else None)


def stack(protocol: Protocol, proxy: Json, stat_prefix: str) -> list[Json]:
    """The proxy behind the filter that watches its protocol (MongoDB's is on by default)."""
    if protocol is not Protocol.MONGO:
        return [proxy]
    kind = "envoy.extensions.filters.network.mongo_proxy.v3.MongoProxy"
    return [extension("envoy.filters.network.mongo_proxy", kind, stat_prefix=stat_prefix), proxy]


def of_routes(config: Config, routes: Sequence[Fields], protocol: Protocol, place: Place) -> list[Json]:
    """The filters for the `route` list of a VirtualService's TCP or TLS block."""
    first = routes[0].get("destination") or {}
    rule = place.site.rule(first.get("host") or "")
    if len(routes) == 1:
        cluster = place.cluster(first)
        proxy = to_cluster(cluster, place.site.log, rule, first.get("subset") or "")
        return stack(protocol, proxy, cluster)
    stat_prefix = f"{config.name}.{config.namespace}"
    weighted = {"clusters": [_weight(route, place) for route in routes if route.get("weight")]}
    proxy = _filter(
        stat_prefix=stat_prefix,
        weighted_clusters=weighted,
        access_log=list(place.site.log),
        hash_policy=hash_policy.of_connection(rule, ""),
        tunneling_config=_tunnel(rule, ""),
        **_connection(rule),
    )
    return stack(protocol, proxy, stat_prefix)


def _filter(**fields: Any) -> Json:
    kind = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
    return extension("envoy.filters.network.tcp_proxy", kind, **fields)


def _weight(route: Fields, place: Place) -> Json:
    return {"name": place.cluster(route.get("destination") or {}), "weight": route["weight"]}


def _connection(rule: Fields | None) -> Json:
    pool = ((rule or {}).get("trafficPolicy") or {}).get("connectionPool") or {}
    tcp = pool.get("tcp") or {}
    return message(
        idle_timeout=duration.proto(tcp.get("idleTimeout")),
        max_downstream_connection_duration=duration.proto(tcp.get("maxConnectionDuration")),
    )


def _tunnel(rule: Fields | None, subset: str) -> Json | None:
    """CONNECT or POST through the destination to another host, as `trafficPolicy.tunnel` asks."""
    owner = rule or {}
    if subset:
        owner = next((s for s in owner.get("subsets") or () if s.get("name") == subset), {})
    tunnel = (owner.get("trafficPolicy") or {}).get("tunnel")
    if tunnel is None:
        return None
    host, port = tunnel.get("targetHost") or "", tunnel.get("targetPort") or 0
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return message(hostname=authority, use_post=True if tunnel.get("protocol") == "POST" else None)
