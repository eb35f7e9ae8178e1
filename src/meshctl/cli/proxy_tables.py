"""xDS resources as tables, in the columns of `istioctl proxy-config`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]
Table = tuple[Sequence[str], list[Sequence[object]]]
_SHOWN_DOMAINS = 2
_HCM, _TCP = "envoy.filters.network.http_connection_manager", "envoy.filters.network.tcp_proxy"


def clusters(found: Mapping[str, Json]) -> Table:
    """Service, port, subset, direction, type, balancing and the DestinationRule of each cluster."""
    headers = ("service fqdn", "port", "subset", "direction", "type", "lb policy", "destination rule")
    ordered = ((name, found[name]) for name in sorted(found, key=_order))
    return headers, [(*_parts(name), _type(cluster), _policy(cluster), _rule(cluster)) for name, cluster in ordered]


def endpoints(found: Mapping[str, Json]) -> Table:
    """Each endpoint with its locality group; a group without any stands for itself."""
    headers = ("endpoint", "status", "locality", "priority", "weight", "group weight", "cluster")
    ordered = sorted(found, key=_order)
    return headers, [row for name in ordered for row in _endpoint_rows(name, found[name])]


def listeners(found: Mapping[str, Json]) -> Table:
    """Each filter chain: where it listens, what it matches, where it leads."""
    rows = [row for listener in found.values() for row in _listener_rows(listener)]
    return ("address", "port", "match", "destination"), sorted(rows, key=lambda row: (row[1], str(row[0])))


def routes(found: Mapping[str, Json]) -> Table:
    """Each route of each virtual host."""
    headers = ("name", "vhost", "domains", "match", "destination", "virtual service")
    return headers, [row for name, route in sorted(found.items()) for row in _route_rows(name, route)]


TABLES: Mapping[str, Callable[[Mapping[str, Json]], Table]] = {
    "clusters": clusters,
    "endpoints": endpoints,
    "listeners": listeners,
    "routes": routes,
}


def _parts(name: str) -> tuple[str, object, str, str]:
    """Host, port, subset and direction of a cluster's name."""
    separator = "_." if name.startswith("outbound_.") else "|"
    parts = name.split(separator, 3)
    if len(parts) < 4:
        return name, "", "", ""
    direction, port, subset, host = parts
    return host, int(port) if port.isdigit() else port, subset.rstrip("_"), direction


def _order(name: str) -> tuple[str, int, str, str]:
    host, port, subset, direction = _parts(name)
    return host, port if isinstance(port, int) else 0, subset, direction


def _type(cluster: Json) -> str:
    return str(cluster.get("type") or (cluster.get("cluster_type") or {}).get("name") or "STATIC")


def _policy(cluster: Json) -> str:
    return str(cluster.get("lb_policy", "ROUND_ROBIN"))


def _rule(cluster: Json) -> str:
    return _object_name(_istio(cluster).get("config", ""))


def _istio(resource: Json) -> Json:
    metadata: Json = ((resource.get("metadata") or {}).get("filter_metadata") or {}).get("istio") or {}
    return metadata


def _object_name(path: str) -> str:
    """`name.namespace` of `/apis/GROUP/VERSION/namespaces/NAMESPACE/KIND/NAME`."""
    parts = path.split("/")
    return f"{parts[-1]}.{parts[-3]}" if len(parts) > 3 else ""


def _endpoint_rows(name: str, assignment: Json) -> Iterator[Sequence[object]]:
    for group in assignment.get("endpoints") or ():
        place = group.get("locality") or {}
        locality = "/".join(place.get(key, "") for key in ("region", "zone", "sub_zone")).rstrip("/")
        shared = (locality, group.get("priority", 0))
        weight = group.get("load_balancing_weight")
        for endpoint in group.get("lb_endpoints") or ():
            status = endpoint.get("health_status", "HEALTHY")
            yield _address(endpoint), status, *shared, endpoint.get("load_balancing_weight"), weight, name
        if not group.get("lb_endpoints"):
            yield "(none)", "", *shared, "", weight, name


def _address(endpoint: Json) -> str:
    address = (endpoint.get("endpoint") or {}).get("address") or {}
    if "pipe" in address:
        return str(address["pipe"]["path"])
    socket = address.get("socket_address") or {}
    return f"{socket.get('address', '')}:{socket.get('port_value', '')}"


def _listener_rows(listener: Json) -> Iterator[Sequence[Any]]:
    socket = (listener.get("address") or {}).get("socket_address") or {}
    where = socket.get("address", ""), socket.get("port_value", 0)
    for chain in listener.get("filter_chains") or ():
        yield *where, _match(chain.get("filter_chain_match") or {}), _destination(chain)
    if default := listener.get("default_filter_chain"):
        yield *where, "ALL", _destination(default)


def _match(match: Json) -> str:
    named = {
        "SNI": match.get("server_names"),
        "Trans": match.get("transport_protocol"),
        "App": match.get("application_protocols"),
        "Addr": [f"{p['address_prefix']}/{p['prefix_len']}" for p in match.get("prefix_ranges") or ()],
        "Port": match.get("destination_port"),
    }
    parts = [f"{name}: {','.join(v) if isinstance(v, list) else v}" for name, v in named.items() if v]
    return "; ".join(parts) or "ALL"


def _destination(chain: Json) -> str:
    for entry in chain.get("filters") or ():
        config = entry.get("typed_config") or {}
        if entry["name"] == _TCP:
            return _clusters(config, config.get("weighted_clusters"))
        if entry["name"] == _HCM:
            return _routed(config)
    return "Non-HTTP/Non-TCP"


def _routed(manager: Json) -> str:
    if "rds" in manager:
        return f"Route: {manager['rds']['route_config_name']}"
    hosts = (manager.get("route_config") or {}).get("virtual_hosts") or ()
    inline = [_action(route) for host in hosts for route in host.get("routes") or ()]
    return f"Inline Route: {', '.join(dict.fromkeys(inline))}"


def _clusters(owner: Json, weighted: Json | None) -> str:
    if weighted:
        return ", ".join(f"{entry['name']} {entry.get('weight', 0)}" for entry in weighted["clusters"])
    return f"Cluster: {owner.get('cluster', '')}"


def _route_rows(name: str, configuration: Json) -> Iterator[Sequence[object]]:
    for host in configuration.get("virtual_hosts") or ():
        shared = name, host["name"], _domains(host.get("domains") or ())
        for route in host.get("routes") or ():
            source = _object_name(_istio(route).get("config", ""))
            yield *shared, _path(route.get("match") or {}), _action(route), source
        if not host.get("routes"):
            yield *shared, "", "404", ""


def _domains(domains: Sequence[str]) -> str:
    more = len(domains) - _SHOWN_DOMAINS
    return ", ".join(domains[:_SHOWN_DOMAINS]) + (f" + {more} more..." if more > 0 else "")


def _path(match: Json) -> str:
    if "prefix" in match:
        return f"{match['prefix']}*"
    for field in ("path", "path_separated_prefix"):
        if field in match:
            return str(match[field])
    return f"regex {match['safe_regex']['regex']}" if "safe_regex" in match else "/*"


def _action(route: Json) -> str:
    if "route" in route:
        return _clusters(route["route"], route["route"].get("weighted_clusters")).removeprefix("Cluster: ")
    if "redirect" in route:
        return "redirect"
    return str((route.get("direct_response") or {}).get("status", ""))
