"""Rules beyond the labs, against what Istio 1.31 generates for the same objects.

Recorded for five proxies of cluster1: what differs from the classroom without the rule. Istio leaves some lists in
the order of a Go map; they are recorded sorted, as ours are. The random cases mix every kind of rule.
"""

from __future__ import annotations

import pytest

from meshctl.sandbox.xds import listeners, routes
from meshctl.sandbox.xds.mesh import Mesh
from meshctl.sandbox.xds.message import Json
from tests.sandbox.xds.listener_recordings import assemble, canonical, member, read

CASES = sorted(read("base_listeners_rules.json.gz"))


@pytest.mark.parametrize("name", CASES)
def test_rule_gives_what_istio_gives(name: str) -> None:
    case = read("base_listeners_rules.json.gz")[name]
    plain, mesh = assemble(), assemble(*case["objects"], settings=case.get("settings"))
    for proxy, expected in case["expected"].items():
        for kind in ("listeners", "routes"):
            before, after = _resources(kind, plain, proxy), _resources(kind, mesh, proxy)
            changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
            assert {key: after.get(key) for key in changed} == _sorted(expected[kind]), (proxy, kind)


def _resources(kind: str, mesh: Mesh, proxy: str) -> dict[str, Json]:
    build = listeners.build if kind == "listeners" else routes.build
    return _sorted(build(mesh, member(proxy)))


def _sorted(resources: dict[str, Json]) -> dict[str, Json]:
    """Chains by service of AUTO_PASSTHROUGH by their match: services of one second come in any order."""
    return {key: canonical(value) if _is_by_service(value) else value for key, value in resources.items()}


def _is_by_service(listener: Json | None) -> bool:
    return any(
        name.startswith("outbound_.")
        for chain in (listener or {}).get("filter_chains", [])
        for name in chain.get("filter_chain_match", {}).get("server_names", [])
    )
