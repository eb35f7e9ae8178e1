"""The endpoint table of a proxy, as its Envoy holds it now (`istioctl proxy-config endpoint`, 1.31)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from meshctl.mesh import config_dump

Json = Mapping[str, Any]
Groups = Mapping[tuple[str, str, int], int]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One host of one cluster. `outlier_check`: FAILED while ejected; `group_weight` None: its locality has none."""

    address: str
    status: str
    outlier_check: str
    cluster: str
    locality: str
    priority: int
    weight: int
    group_weight: int | None


def table(clusters: Json, dump: Json) -> tuple[Endpoint, ...]:
    """Every endpoint by cluster, priority, locality and address.

    `clusters`: the admin's /clusters?format=json; `dump`: its configuration dump with endpoints.
    """
    groups = dict(_groups(config_dump.resources(dump)["endpoints"]))
    found = [
        _endpoint(str(cluster["name"]), host, groups)
        for cluster in clusters.get("cluster_statuses") or ()
        for host in cluster.get("host_statuses") or ()
    ]
    return tuple(sorted(found, key=lambda one: (_order(one.cluster), one.priority, one.locality, one.address)))


def _endpoint(cluster: str, host: Json, groups: Groups) -> Endpoint:
    health = host.get("health_status") or {}
    locality, priority = _locality(host.get("locality") or {}), int(host.get("priority") or 0)
    return Endpoint(
        _address(host.get("address") or {}),
        str(health.get("eds_health_status") or "UNKNOWN"),
        "FAILED" if health.get("failed_outlier_check") else "OK",
        cluster,
        locality,
        priority,
        int(host.get("weight") or 1),
        groups.get((cluster, locality, priority)),
    )


def _groups(assignments: Mapping[str, Json]) -> Iterator[tuple[tuple[str, str, int], int]]:
    for cluster, assignment in assignments.items():
        for group in assignment.get("endpoints") or ():
            if weight := group.get("load_balancing_weight"):
                yield (cluster, _locality(group.get("locality") or {}), int(group.get("priority") or 0)), int(weight)


def _locality(found: Json) -> str:
    return "/".join(str(found.get(key, "")) for key in ("region", "zone", "sub_zone")).rstrip("/")


def _address(found: Json) -> str:
    if "pipe" in found:
        return f"unix://{found['pipe']['path']}"
    socket = found.get("socket_address") or {}
    if not socket:
        return f"envoy://{(found.get('envoy_internal_address') or {}).get('server_listener_name', '')}"
    return f"{socket.get('address', '')}:{socket.get('port_value', 0)}"


def _parts(cluster: str) -> list[str]:
    """Direction, port, subset and host; the name alone if it is not one of istiod's."""
    separator = "_." if cluster.startswith("outbound_.") else "|"
    return cluster.split(separator, 3)


def _order(cluster: str) -> tuple[str, str]:
    """By host, as people look for it."""
    return _parts(cluster)[-1], cluster


def names(clusters: Json) -> list[str]:
    """The names of all clusters, also of those without endpoints; `clusters` as for `table`."""
    return [str(one["name"]) for one in clusters.get("cluster_statuses") or ()]


def matches(cluster: str, wanted: str | None) -> bool:
    """Whether a cluster is meant: any by None, else by its name, its host or the first part of its host."""
    host = _parts(cluster)[-1]
    return wanted in (None, cluster, host, host.partition(".")[0])
