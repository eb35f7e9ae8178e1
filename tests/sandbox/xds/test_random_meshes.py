"""Random meshes and rules, against what Istio 1.31 generates for the same objects.

Services of every shape (headless, external, without selector, other ports in other clusters), pods that end, are not
ready or lie about their place, ServiceEntries, WorkloadEntries, DestinationRules in full, EnvoyFilters on clusters,
PeerAuthentications, Sidecars, mesh settings. Recorded is what differs from the classroom without them.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from meshctl.sandbox.xds import clusters, endpoints, listeners, mesh, mesh_config, routes
from meshctl.sandbox.xds.mesh import Mesh
from tests.sandbox.xds import recordings
from tests.sandbox.xds.listener_recordings import canonical
from tests.sandbox.xds.recordings import Json

BUILDERS = {"clusters": clusters, "endpoints": endpoints, "listeners": listeners, "routes": routes}
CASES = recordings.read("random_meshes.json.gz")


@pytest.mark.parametrize("name", sorted(CASES))
def test_random_mesh_gives_what_istio_gives(name: str) -> None:
    case, plain = CASES[name], recordings.base()
    seen = assembled(case)
    for proxy, expected in case["expected"].items():
        for kind, builder in BUILDERS.items():
            before, after = (
                {key: comparable(value) for key, value in builder.build(one, recordings.member(proxy)).items()}
                for one in (plain, seen)
            )
            changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
            assert {key: after.get(key) for key in changed} == expected.get(kind, {}), (proxy, kind)


def assembled(case: Json) -> Mesh:
    base = recordings.classroom()
    objects = {name: (*items, *case["objects"].get(name, ())) for name, items in base.clusters.items()}
    applied = replace(base, clusters=objects).apply(case["rules"])
    config = mesh_config.parse({**base.config.raw, **case["settings"]})
    return mesh.assemble(applied.clusters, applied.primary, config)


def comparable(resource: Json) -> Json:
    """Without the order that in Istio is a map's: of hosts in a locality, of chains by service, of query parameters."""
    resource = _sorted_parameters(resource)
    if "cluster_name" in resource:
        groups = [{**group, "lb_endpoints": _sorted(group.get("lb_endpoints", []))} for group in _groups(resource)]
        return {**resource, "endpoints": groups} if groups else resource
    by_service = any(
        "outbound_." in str(chain.get("filter_chain_match", {}).get("server_names"))
        for chain in resource.get("filter_chains", ())
    )
    return canonical(resource) if by_service else resource


def _groups(assignment: Json) -> list[Json]:
    groups: list[Json] = assignment.get("endpoints", [])
    return groups


def _sorted(values: list[Any]) -> list[Any]:
    return sorted(values, key=lambda one: json.dumps(one, sort_keys=True))


def _sorted_parameters(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: sorted(item, key=lambda one: str(one["name"]))
            if key == "query_parameters"
            else _sorted_parameters(item)
            for key, item in value.items()
        }
    return [_sorted_parameters(item) for item in value] if isinstance(value, list) else value
