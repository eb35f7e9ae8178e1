"""What a real istiod 1.31.0 gave proxies as listeners and routes, and the mesh that it was given."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, reduce
from pathlib import Path
from typing import Any

from meshctl.sandbox.xds import mesh, mesh_config, proxy
from meshctl.sandbox.xds.mesh import Mesh
from meshctl.sandbox.xds.objects import Listing
from meshctl.sandbox.xds.proxy import Proxy

Json = dict[str, Any]

GOLDEN = Path(__file__).parents[2] / "golden" / "xds"
# Network and HTTP filters that only Istio's own Envoy has; ours leaves them out.
ISTIO_ONLY = ("istio.metadata_exchange", "istio.alpn")


@cache
def read(name: str) -> Any:
    """A golden file."""
    return json.loads(gzip.decompress((GOLDEN / name).read_bytes()))


@cache
def listing() -> Listing:
    """The classroom's objects, settings and proxies."""
    base = read("base_listeners.json.gz")
    return Listing(
        clusters={name: tuple(items) for name, items in base["clusters"].items()},
        config=mesh_config.parse(base["mesh"]),
        proxies={name: proxy.from_identity(identity) for name, identity in base["proxies"].items()},
    )


def assemble(*objects: Mapping[str, Any], settings: Mapping[str, Any] | None = None) -> Mesh:
    """The classroom's mesh with these objects applied one by one, under other settings if given."""
    chosen = reduce(lambda known, item: known.apply([item]), objects, listing())
    config = chosen.config if settings is None else mesh_config.parse(settings)
    return mesh.assemble(chosen.clusters, chosen.primary, config)


def member(name: str) -> Proxy:
    """A proxy of the classroom: `cluster1/istio/productpage-v1`."""
    return listing().proxies[name]


PRODUCTPAGE = "cluster1/istio/productpage-v1"
INGRESS = "cluster1/istio-system/istio-ingressgateway"
EAST_WEST = "cluster2/istio-system/istio-eastwestgateway"
EGRESS = "cluster1/istio-system/istio-egressgateway"
RECORDED = (PRODUCTPAGE, INGRESS, EAST_WEST, EGRESS)


def recorded(proxy_name: str, kind: str) -> Json:
    """The resources of a recorded proxy without Istio's own extensions."""
    resources: Json = plain(read("base_listeners.json.gz")["expected"][proxy_name][kind])
    return resources


def plain(value: Any) -> Any:
    """Anything recorded, without Istio's own extensions."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value if not _is_istio_only(item)]
    return value


def _is_istio_only(item: Any) -> bool:
    return isinstance(item, dict) and item.get("name") in ISTIO_ONLY


def canonical(listener: Json) -> Json:
    """A listener with its filter chains sorted: the order of services of one second is chance."""
    chains = sorted(listener.get("filter_chains", []), key=lambda chain: json.dumps(chain, sort_keys=True))
    return {**listener, "filter_chains": chains}


def lab_changes(kind: str) -> Iterator[tuple[str, Sequence[Json], str, Json]]:
    """(lab, its objects, proxy, what of `kind` changed for it), for every proxy of every lab."""
    for name, lab in read("labs_listeners.json.gz").items():
        for change in lab["changes"]:
            for proxy_name in change["proxies"]:
                yield name, lab["objects"], proxy_name, plain(change.get(kind, {}))


def labs() -> list[str]:
    """The names of the labs."""
    return sorted(read("labs_listeners.json.gz"))
