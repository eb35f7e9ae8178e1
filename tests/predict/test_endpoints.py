"""Endpoint tables equal those that istiod 1.31 gave the proxies of 31 meshes under up to ten rules each."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from meshctl.predict.balancing import LocalityEndpoints
from meshctl.predict.endpoints import table
from meshctl.predict.mesh import Mesh, MeshCluster, Pod, Proxy, topology_labels
from meshctl.predict.policy import routing

RECORDED = json.loads(gzip.decompress((Path(__file__).parents[1] / "golden/predict/meshes.json.gz").read_bytes()))


def mesh_of(recorded: dict[str, Any]) -> Mesh:
    clusters = (MeshCluster(name, net, tuple(place), tuple(gws)) for name, net, place, gws in recorded["clusters"])
    return Mesh(tuple(clusters), tuple(Pod(*fields) for fields in recorded["pods"]))


def cluster_name(name: str) -> tuple[int, str, str]:
    """`outbound|PORT|SUBSET|HOST`, or `outbound_.PORT_._.HOST` of a gateway that passes TLS through."""
    if name.startswith("outbound_."):
        port, subset, host = name.removeprefix("outbound_.").split("_.", 2)
        return int(port), subset.rstrip("_"), host
    _, port, subset, host = name.split("|")
    return int(port), subset, host


def plain(groups: tuple[LocalityEndpoints, ...]) -> list[dict[str, Any]]:
    return [
        {
            "endpoints": {e.address + ("" if e.healthy else " UNHEALTHY"): e.weight for e in group.endpoints},
            "locality": group.locality,
            "priority": group.priority,
            "weight": group.weight,
        }
        for group in groups
    ]


@pytest.mark.parametrize("name", RECORDED)
def test_tables_equal_those_of_istiod(name: str) -> None:
    recorded = RECORDED[name]
    mesh = mesh_of(recorded)
    compared = 0
    for case, content in recorded["cases"].items():
        for proxies, tables, weighted in content["tables"]:
            for proxy_name in proxies:
                cluster, network, place, labels, view = recorded["proxies"][proxy_name]
                labels = topology_labels(mesh.by_name[cluster]) | labels
                proxy = Proxy(cluster, network, tuple(place), labels, view)
                for xds_name, expected in tables.items():
                    port, subset, host = cluster_name(xds_name)
                    settings = routing(content["rules"], host, port, subset)
                    found = plain(table(mesh, proxy, host.split(".")[0], port, settings))
                    assert found == expected, (case, proxy_name, xds_name)
                    assert settings.locality_weighted == weighted.get(xds_name, settings.locality_weighted)
                    compared += 1
    assert compared


def test_two_gateways_of_one_network_double_every_weight() -> None:
    classroom = mesh_of(RECORDED["classroom"])
    assert classroom.gateways.scale == 2
    assert Mesh(classroom.clusters[:2], ()).gateways.scale == 1
