"""Clusters and endpoints of the classroom, and what each of the course's 46 labs changes, equal istiod 1.31.0's.

Left out, as upstream Envoy knows no such thing: `filters` (`istio.metadata_exchange`).
"""

from __future__ import annotations

from functools import cache

import pytest

from meshctl.sandbox.xds import clusters, endpoints
from meshctl.sandbox.xds.mesh import Mesh
from tests.sandbox.xds import recordings
from tests.sandbox.xds.recordings import Json

BASE = recordings.read("base.json.gz")
LABS = recordings.read("labs.json.gz")
TABLES = {proxy: group["endpoints"] for group in BASE["tables"] for proxy in group["proxies"]}


def resources(mesh: Mesh, proxy: str) -> dict[str, dict[str, Json]]:
    identity = recordings.member(proxy)
    return {"clusters": clusters.build(mesh, identity), "endpoints": endpoints.build(mesh, identity)}


@cache
def without_rules(proxy: str) -> dict[str, dict[str, Json]]:
    return resources(recordings.base(), proxy)


@pytest.mark.parametrize("proxy", BASE["resources"])
@pytest.mark.parametrize("kind", ["clusters", "endpoints"])
def test_the_base_is_istiods_to_the_letter(proxy: str, kind: str) -> None:
    expected = BASE["resources"][proxy][kind]
    assert {name: without_rules(proxy)[kind].get(name) for name in expected} == expected
    assert without_rules(proxy)[kind].keys() == expected.keys()


@pytest.mark.parametrize("proxy", TABLES)
def test_the_bases_endpoint_tables_are_istiods(proxy: str) -> None:
    found = {name: recordings.table(value) for name, value in without_rules(proxy)["endpoints"].items()}
    assert found == {name: recordings.plain(rows) for name, rows in TABLES[proxy].items()}


@pytest.mark.parametrize("lab", LABS)
def test_a_lab_changes_what_istiod_changes_and_nothing_else(lab: str) -> None:
    mesh = recordings.with_objects(*LABS[lab]["objects"])
    changes = {proxy: group for group in LABS[lab]["changes"] for proxy in group["proxies"]}
    for proxy in TABLES:
        before, after = without_rules(proxy), resources(mesh, proxy)
        for kind in ("clusters", "endpoints"):
            expected = changes.get(proxy, {}).get(kind, {})
            names = before[kind].keys() | after[kind].keys()
            changed = {name for name in names if before[kind].get(name) != after[kind].get(name)}
            assert changed == expected.keys(), (proxy, kind)
            for name, value in expected.items():
                assert shown(kind, after[kind].get(name)) == recorded(kind, value), (proxy, name)


def shown(kind: str, resource: Json | None) -> object:
    return recordings.table(resource) if kind == "endpoints" and resource is not None else resource


def recorded(kind: str, value: object) -> object:
    return recordings.plain(value) if kind == "endpoints" and isinstance(value, list) else value
