"""What a proxy's Envoy says of one service: its endpoint table, ejections and rule, from its admin interface."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from meshctl.labs.view import EASTWEST, INGRESS, Seen, View
from meshctl.mesh import config_dump, endpoints
from meshctl.mesh.endpoints import Endpoint
from meshctl.mesh.pod import Pod
from meshctl.predict.balancing import LbEndpoint, LocalityEndpoints
from meshctl.render.bookinfo import PORT
from meshctl.render.namespaces import BOOKINFO as NAMESPACE

Json = Mapping[str, Any]
GATEWAYS = {INGRESS: "ingressgateway", EASTWEST: "eastwestgateway"}


def of_view(pods: Sequence[Pod], view: View) -> list[Pod]:
    """The pods with the proxies of a view."""
    here = [pod for pod in pods if pod.cluster == view.cluster and pod.has_proxy and pod.running]
    if view.kind in GATEWAYS:
        return [pod for pod in here if GATEWAYS[view.kind] in pod.workload]
    return [pod for pod in here if pod.namespace == NAMESPACE and pod.service == view.workload]


def cluster_name(view: View, service: str, subset: str = "") -> str:
    """The Envoy cluster that leads to a service (Istio's BuildSubsetKey and BuildDNSSrvSubsetKey)."""
    bar = "_." if view.kind == EASTWEST else "|"
    return f"outbound{'_.' if view.kind == EASTWEST else '|'}{PORT}{bar}{subset}{bar}{_host(service)}"


def _host(service: str) -> str:
    return f"{service}.{NAMESPACE}.svc.cluster.local"


def dump_path(service: str) -> str:
    """The part of a configuration dump that is about a service."""
    return f"config_dump?include_eds&name_regex=.*{_host(service)}"


def seen(clusters: Json, dump: Json, name: str) -> Seen:
    """What there is in Envoy's cluster of that name; nothing if it has no such cluster."""
    hosts = [endpoint for endpoint in endpoints.table(clusters, dump) if endpoint.cluster == name]
    ejected = frozenset(endpoint.address for endpoint in hosts if endpoint.outlier_check == "FAILED")
    return Seen(_table(hosts), ejected, _rule(dump, name))


def _table(hosts: Sequence[Endpoint]) -> tuple[LocalityEndpoints, ...]:
    groups: dict[tuple[int, str, int | None], list[LbEndpoint]] = defaultdict(list)
    for host in hosts:
        endpoint = LbEndpoint(host.address, host.weight, host.status != "UNHEALTHY")
        groups[host.priority, host.locality, host.group_weight].append(endpoint)
    return tuple(
        LocalityEndpoints(locality, tuple(found), weight, priority)
        for (priority, locality, weight), found in groups.items()
    )


def _rule(dump: Json, name: str) -> str:
    """The DestinationRule that istiod notes on the cluster (metadata `istio.config`)."""
    cluster = config_dump.resources(dump)["clusters"].get(name) or {}
    told = ((cluster.get("metadata") or {}).get("filter_metadata") or {}).get("istio") or {}
    return str(told.get("config", "")).rpartition("/")[2]
