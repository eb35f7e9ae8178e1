"""An Envoy's own account of its configuration, by kind and name (envoy/admin/v3/config_dump.proto)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]
Resources = dict[str, dict[str, dict[str, Any]]]
# By the last part of a dump's type: the kind, and the field of a resource in its wrapper.
_KINDS = {
    "ClustersConfigDump": ("clusters", "cluster"),
    "EndpointsConfigDump": ("endpoints", "endpoint_config"),
    "ListenersConfigDump": ("listeners", "listener"),
    "RoutesConfigDump": ("routes", "route_config"),
}
# What `?resource=` answers with instead: the wrappers, without the dumps around them.
_WRAPPERS = {"DynamicCluster": "clusters", "DynamicEndpointConfig": "endpoints"}
_WRAPPERS |= {"DynamicListener": "listeners", "DynamicRouteConfig": "routes"}
_FIELDS = dict(_KINDS.values())
_DYNAMIC = (
    "dynamic_active_clusters",
    "dynamic_endpoint_configs",
    "dynamic_listeners",
    "dynamic_route_configs",
)
_NAMES = {"endpoints": "cluster_name"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A resource that Envoy did not take: its kind, its name, Envoy's words."""

    kind: str
    name: str
    reason: str


def resources(dump: Json) -> Resources:
    """{clusters, endpoints, listeners, routes: {name: resource}} in proto field names, without the bootstrap's own."""
    found: Resources = {kind: {} for kind, _ in _KINDS.values()}
    for kind, wrapper in _wrapped(dump):
        resource = _resource(kind, wrapper)
        name = resource.get(_NAMES.get(kind, "name"))
        if name:
            found[kind][str(name)] = resource
    found["endpoints"] = {name: one for name, one in found["endpoints"].items() if _discovered(name, found["clusters"])}
    return {kind: dict(sorted(named.items())) for kind, named in found.items()}


def _discovered(name: str, clusters: Json) -> bool:
    """Whether a cluster's endpoints were sent, and not found by itself, such as those where requests were going."""
    cluster = clusters.get(name)
    return cluster is None or cluster.get("type") == "EDS"


def refusals(dump: Json) -> list[Refusal]:
    """What the Envoy refused and has not been sent anew."""
    return [
        Refusal(
            kind, str(wrapper.get("name") or _resource(kind, wrapper).get("name", "")), str(fault.get("details", ""))
        )
        for kind, wrapper in _wrapped(dump)
        if (fault := wrapper.get("error_state"))
    ]


def _wrapped(dump: Json) -> Iterator[tuple[str, Json]]:
    """Each dynamic resource's kind and wrapper."""
    for part in dump.get("configs") or ():
        type_name = str(part.get("@type", "")).rpartition(".")[2]
        if type_name in _WRAPPERS:
            yield _WRAPPERS[type_name], part
        elif type_name in _KINDS:
            for key in _DYNAMIC:
                for wrapper in part.get(key) or ():
                    yield _KINDS[type_name][0], wrapper


def _resource(kind: str, wrapper: Json) -> dict[str, Any]:
    """The resource itself; a listener that is warming has no active state yet."""
    holder = wrapper.get("active_state") or wrapper.get("warming_state") or wrapper
    found = dict(holder.get(_FIELDS[kind]) or {})
    found.pop("@type", None)
    return found
