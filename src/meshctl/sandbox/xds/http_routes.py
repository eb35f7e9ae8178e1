"""HTTP routes of a VirtualService, for sidecars and gateways alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from meshctl.sandbox.xds import header_changes, retry_policy, route_action
from meshctl.sandbox.xds.configs import Config, selects
from meshctl.sandbox.xds.mesh_config import MeshConfig
from meshctl.sandbox.xds.message import Json, message
from meshctl.sandbox.xds.place import Place
from meshctl.sandbox.xds.route_filters import per_filter_config
from meshctl.sandbox.xds.route_match import is_catch_all, route_match

Fields = Mapping[str, Any]


def default_route(cluster: str, operation: str, settings: MeshConfig, hash_policy: Json | None = None) -> Json:
    """The route to a service that no VirtualService governs."""
    action = message(
        cluster=cluster,
        timeout="0s",
        max_grpc_timeout="0s",
        retry_policy=retry_policy.policy(settings.raw.get("defaultHttpRetryPolicy")),
        hash_policy=[hash_policy] if hash_policy else None,
    )
    return {
        "name": "default",
        "match": route_match(None),
        "decorator": {"operation": operation},
        "route": action,
    }


def routes(config: Config, place: Place) -> list[Json]:
    """The routes in the VirtualService's order, up to the first that takes every request."""
    out = []
    for route, condition in _pairs(config):
        if _applies(condition, place):
            built = _route(config, route, condition, place)
            out.append(built)
            if is_catch_all(built["match"]):
                break
        if condition is None:
            break
    return out


def _pairs(config: Config) -> Iterator[tuple[Fields, Fields | None]]:
    for route in config.spec.get("http") or ():
        if not route.get("match"):
            yield route, None
        for condition in route.get("match") or ():
            yield route, condition


def _applies(condition: Fields | None, place: Place) -> bool:
    """What is known beforehand: the port, then the gateway or the labels and namespace of the proxy."""
    if condition is None:
        return True
    if condition.get("port") and condition["port"] != place.port:
        return False
    if condition.get("gateways"):
        return place.gateway in condition["gateways"]
    namespace = condition.get("sourceNamespace")
    return selects(condition.get("sourceLabels"), place.site.proxy.labels) and (
        not namespace or namespace == place.site.proxy.namespace
    )


def _route(config: Config, route: Fields, condition: Fields | None, place: Place) -> Json:
    changes = header_changes.changes(route.get("headers"))
    action, changes = route_action.action(route, place, changes)
    match = route_match(condition)
    return message(
        name=_name(route, condition),
        match=match,
        metadata={"filter_metadata": {"istio": {"config": config.path("virtual-service")}}},
        stat_prefix=(condition or {}).get("statPrefix"),
        decorator={"operation": _operation(config.name, action, match, place.port)},
        typed_per_filter_config=per_filter_config(route),
        **changes.fields(),
        **action,
    )


def _name(route: Fields, condition: Fields | None) -> str:
    name: str = route.get("name") or ""
    own = (condition or {}).get("name")
    return f"{name}.{own}" if own else name


def _operation(name: str, action: Json, match: Json, port: int) -> str:
    """What traces call it: the only destination's host and port, else the VirtualService, and the path."""
    path = match.get("path") or (match.get("safe_regex") or {}).get("regex") or match.get("prefix", "/") + "*"
    cluster = (action.get("route") or {}).get("cluster") or ""
    if cluster.count("|") == 3:
        _, number, _, host = cluster.split("|")
        return f"{host}:{number}{path}"
    return f"{name}:{port}{path}"
