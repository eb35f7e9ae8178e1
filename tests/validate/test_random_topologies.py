"""Any document is either a valid topology or a list of problems."""

from __future__ import annotations

import random
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from meshctl.errors import InvalidInput
from meshctl.topology import node_pod_cidrs, node_routes
from meshctl.validate import PRESETS, parse, preset_text

RUBBISH: list[Any] = [None, "", "x", 7, -1, True, [], {}, [{}], "10.0.0.0/8", "10.0.0.1", "cluster1", {"a": 1}, 1e300]


def _paths(value: Any, keys: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [keys, *(path for key, item in items for path in _paths(item, (*keys, key)))]


def _spoil(document: Any, dice: random.Random) -> Any:
    keys = dice.choice(_paths(document))
    if not keys:
        return document
    parent = document
    for key in keys[:-1]:
        parent = parent[key]
    action = dice.randrange(3)
    if action == 0:
        del parent[keys[-1]]
    elif action == 1:
        parent[keys[-1]] = dice.choice(RUBBISH)
    elif isinstance(parent, dict):
        parent["surprise"] = dice.choice(RUBBISH)
    else:
        parent.append(dice.choice([*parent, *RUBBISH]))
    return document


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(PRESETS), st.integers(1, 6))
def test_a_spoiled_preset_is_valid_or_a_list_of_problems(seed: int, preset: str, times: int) -> None:
    dice = random.Random(seed)
    document = yaml.safe_load(preset_text(preset))
    for _ in range(times):
        document = _spoil(document, dice)
    text = yaml.dump(document, Dumper=_NoAliases)
    try:
        topology = parse(text, "random")
    except InvalidInput as fault:
        assert fault.problems
        assert all(1 <= problem.line <= text.count("\n") + 1 for problem in fault.problems)
    else:
        for cluster in topology.clusters:
            assert len(node_pod_cidrs(cluster)) == len(cluster.nodes)
            assert all(not route.via.is_unspecified for route in node_routes(topology, cluster))


class _NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True
