"""Endpoint tables and cluster fields equal those of istiod 1.31.0: 31 meshes, up to ten rules each, every proxy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from meshctl.sandbox.xds import clusters, endpoints
from meshctl.sandbox.xds.mesh import Mesh
from tests.sandbox.xds import recordings
from tests.sandbox.xds.recordings import Json

MESHES = recordings.read("meshes.json.gz")
COMPARED_FIELDS = ("common_lb_config", "lb_policy", "outlier_detection")
TABLES = 3716


def cases(name: str) -> Iterator[tuple[str, Mesh, Any]]:
    recorded = MESHES[name]
    without_rule = recordings.listing(recorded)
    for rule_name, case in recorded["rules"].items():
        yield rule_name, without_rule.apply(case["rule"]).mesh(), case


def fields(cluster: Json) -> Json:
    return {name: cluster[name] for name in COMPARED_FIELDS if name in cluster}


@pytest.mark.parametrize("name", MESHES)
def test_every_endpoint_table_is_istiods(name: str) -> None:
    proxies = recordings.listing(MESHES[name]).proxies
    for rule_name, mesh, case in cases(name):
        for group in case["proxies"]:
            for proxy in group["proxies"]:
                found = endpoints.build(mesh, proxies[proxy])
                for cluster, expected in group["endpoints"].items():
                    assert recordings.table(found[cluster]) == recordings.plain(expected), (rule_name, proxy, cluster)


@pytest.mark.parametrize("name", MESHES)
def test_every_clusters_balancing_is_istiods(name: str) -> None:
    proxies = recordings.listing(MESHES[name]).proxies
    for rule_name, mesh, case in cases(name):
        for group in case["proxies"]:
            # The proxies of a group got the same, and ours differ for a locality no more than istiod's.
            found = clusters.build(mesh, proxies[group["proxies"][0]])
            for cluster, expected in group["cluster_fields"].items():
                assert fields(found[cluster]) == expected, (rule_name, group["proxies"], cluster)


def test_no_recorded_table_is_left_out() -> None:
    counts = (
        len(group["proxies"]) * len(group["endpoints"])
        for recorded in MESHES.values()
        for case in recorded["rules"].values()
        for group in case["proxies"]
    )
    assert sum(counts) == TABLES
