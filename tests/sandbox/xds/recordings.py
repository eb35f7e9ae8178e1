"""What a real istiod 1.31.0 gave proxies as clusters and endpoints, and the objects that it was given."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from meshctl.sandbox.xds import clusters, mesh, mesh_config, objects, proxy
from meshctl.sandbox.xds.mesh import Mesh
from meshctl.sandbox.xds.objects import Listing
from meshctl.sandbox.xds.proxy import Proxy

Json = dict[str, Any]
GOLDEN = Path(__file__).parents[2] / "golden" / "xds"

INGRESS = "cluster1/istio-system/istio-ingressgateway"
SIDECAR = "cluster1/istio/productpage-v1"
EAST_WEST = "cluster1/istio-system/istio-eastwestgateway"


@cache
def read(name: str) -> Any:
    """A golden file."""
    return json.loads(gzip.decompress((GOLDEN / name).read_bytes()))


def listing(source: Mapping[str, Any]) -> Listing:
    """Recorded objects as `proxy-config --objects` reads them."""
    return Listing(
        clusters={name: tuple(items) for name, items in source["clusters"].items()},
        config=mesh_config.parse(source["mesh"]),
        proxies={name: proxy.from_identity(identity) for name, identity in source["proxies"].items()},
    )


@cache
def classroom() -> Listing:
    """The classroom without any DestinationRule."""
    return listing(read("classroom.json.gz"))


@cache
def base() -> Mesh:
    """The classroom's mesh."""
    return classroom().mesh()


def with_objects(*added: Mapping[str, Any], settings: Mapping[str, Any] | None = None) -> Mesh:
    """The classroom's mesh with these objects in the primary and these mesh settings."""
    applied = classroom().apply([objects.namespaced(item) for item in added])
    config = mesh_config.parse({**applied.config.raw, **(settings or {})})
    return mesh.assemble(applied.clusters, applied.primary, config)


def member(name: str) -> Proxy:
    """A proxy of the classroom."""
    return classroom().proxies[name]


def istio(kind: str, name: str, spec: Mapping[str, Any], namespace: str = "istio", **meta: Any) -> Json:
    """An Istio object."""
    group = "security" if kind == "PeerAuthentication" else "networking"
    return {
        "apiVersion": f"{group}.istio.io/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, **meta},
        "spec": dict(spec),
    }


def rule(spec: Mapping[str, Any], name: str = "productpage", namespace: str = "istio", **meta: Any) -> Json:
    """A DestinationRule, for productpage unless it says otherwise."""
    host = {"host": "productpage.istio.svc.cluster.local"}
    return istio("DestinationRule", name, {**host, **spec}, namespace, **meta)


PRODUCTPAGE = "outbound|9080||productpage.istio.svc.cluster.local"
OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def built(seen: Mesh, proxy_name: str = SIDECAR) -> dict[str, Json]:
    """The clusters of a proxy."""
    return clusters.build(seen, member(proxy_name))


def under(policy: Json, proxy_name: str = SIDECAR, **settings: Any) -> Json:
    """The productpage cluster under a traffic policy."""
    return built(with_objects(rule({"trafficPolicy": policy}), settings=settings), proxy_name)[PRODUCTPAGE]


def http_options(cluster: Json) -> Json:
    """The HTTP options of a cluster."""
    found: Json = cluster["typed_extension_protocol_options"][OPTIONS]
    return {name: value for name, value in found.items() if name != "@type"}


def table(assignment: Mapping[str, Any]) -> list[Json]:
    """A ClusterLoadAssignment in the short form of the recordings."""
    return [_row(group) for group in assignment.get("endpoints", ())]


def _row(group: Mapping[str, Any]) -> Json:
    place = group["locality"]
    return {
        "locality": "/".join(place.get(part, "") for part in ("region", "zone", "sub_zone")).rstrip("/"),
        "priority": group.get("priority", 0),
        "weight": group.get("load_balancing_weight"),
        "endpoints": dict(_endpoints(group.get("lb_endpoints", ()))),
    }


def _endpoints(hosts: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, int]]:
    for host in hosts:
        socket = host["endpoint"]["address"]["socket_address"]
        health = host.get("health_status", "HEALTHY")
        shown = "" if health == "HEALTHY" else f" {health}"
        yield f"{socket['address']}:{socket['port_value']}{shown}", host["load_balancing_weight"]


def plain(tables: Iterable[Mapping[str, Any]]) -> list[Json]:
    """A recorded table with localities as `table` writes them."""
    return [{**row, "locality": row["locality"].rstrip("/")} for row in tables]
