"""The course's rules give live Envoys the endpoint tables that istiod gives them, and requests go by them."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Collection, Iterator
from typing import Any

import pytest

from meshctl.labs.cast import cast
from meshctl.labs.catalog import find
from meshctl.validate import find_topology
from tests.live.machine import Machine

from .command_line import told
from .test_kubernetes import kubectl

pytestmark = pytest.mark.live

SECONDS = 30
SIDES = ("istio-ingressgateway", "istio-egressgateway", "productpage-v1", "ratings-v1")
LOCALITIES = {"us-central1/z1/sz01": "c1", "us-central2/z2/sz02": "c2", "us-central3/z3/sz03": "c3"}
GATEWAYS = {f"192.168.229.10{number}:15443": f"g{number + 1}" for number in range(3)}
# p1: the pod of cluster1, g1: its gateway; /0: priority, x2: weight of the endpoint and of its locality.
EVERYWHERE = {
    "cluster1": "c1: p1/0 x2 x2, c2: g2/0 x2 x2, c3: g3/0 x2 x2",
    "cluster2": "c1: g1/0 x2 x2, c2: p2/0 x2 x2, c3: p3/0 x2 x2",
    "cluster3": "c1: g1/0 x2 x2, c2: p2/0 x2 x2, c3: p3/0 x2 x2",
    "gateway1": "c1: p1/0 x2 x2",
    "gateway2": "c2: p2/0 x2 x2, c3: p3/0 x2 x2",
    "gateway3": "c2: p2/0 x2 x2, c3: p3/0 x2 x2",
}
AWAY = EVERYWHERE | {"gateway1": ""}
FAILOVER = {
    "cluster1": "c1: p1/0 x2 x2, c2: g2/1 x2 x2, c3: g3/2 x2 x2",
    "cluster2": "c1: g1/1 x2 x2, c2: p2/0 x2 x2, c3: p3/2 x2 x2",
    "cluster3": "c1: g1/1 x2 x2, c2: p2/1 x2 x2, c3: p3/0 x2 x2",
    "gateway1": "c1: p1/0 x2 x2",
    "gateway2": "c2: p2/0 x2 x2, c3: p3/1 x2 x2",
    "gateway3": "c2: p2/1 x2 x2, c3: p3/0 x2 x2",
}
# By lab: the rule is that of its act `course`.
EXAMPLES = {
    "distribute": AWAY | {"cluster1": "c3: g3/0 x2 x100"},
    "distribute-2": AWAY | {"cluster1": "c2: g2/0 x2 x50, c3: g3/0 x2 x50"},
    "failover": FAILOVER,
    "port-distribute": AWAY | {"cluster1": "c2: g2/0 x2 x100"},
    "port-failover": FAILOVER | {"cluster2": "c1: g1/1 x2 x2, c2: p2/0 x2 x2, c3: p3/1 x2 x2"},
}


@pytest.fixture(params=EXAMPLES)
def example(machine: Machine, request: pytest.FixtureRequest) -> Iterator[str]:
    (lab,) = find([request.param])
    rules = next(act.rules for act in lab.acts(cast(find_topology(preset="classroom"))) if act.name == "course")
    file = machine.home / "example.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(rules)}))
    kubectl(machine, "cluster1", "apply", "-f", str(file))
    yield request.param
    kubectl(machine, "cluster1", "delete", "-f", str(file))
    await_tables(machine, EVERYWHERE)


def test_without_a_rule_every_locality_has_its_own(machine: Machine) -> None:
    await_tables(machine, EVERYWHERE)


def test_a_rule_gives_every_proxy_its_table(machine: Machine, example: str) -> None:
    await_tables(machine, EXAMPLES[example])


def test_without_a_rule_the_localities_share_the_requests_evenly(machine: Machine) -> None:
    found = told(machine, "traffic", "-n", "300")
    assert found["outcomes"] == {"200": 300}
    # Which pod answers behind a gateway is settled for a whole connection: only their sum is a third for each gateway.
    own = found["clusters"]["cluster1"]
    assert are_even([own, *(count for address, count in found["upstreams"].items() if address in GATEWAYS)]), found


def are_even(counts: Collection[int]) -> bool:
    """Whether a chi-square test lets three equal shares pass, at 1 in 10,000: the suite runs more than once."""
    mean = sum(counts) / 3
    # With two degrees of freedom the distribution is exponential.
    return len(counts) == 3 and sum((one - mean) ** 2 / mean for one in counts) < -2 * math.log(1e-4)


def await_tables(machine: Machine, expected: dict[str, str]) -> None:
    end = time.monotonic() + SECONDS
    while (seen := tables(machine)) != expected and time.monotonic() < end:
        pass
    assert seen == expected


def tables(machine: Machine) -> dict[str, str]:
    asked = {
        **{f"cluster{number}/{name}": f"cluster{number}" for number in "123" for name in SIDES},
        **{f"cluster{number}/istio-eastwestgateway": f"gateway{number}" for number in "123"},
    }
    found: dict[str, set[str]] = {}
    for proxy, endpoints in machine.ask("mesh.ask_tables", *asked).items():
        found.setdefault(asked[proxy], set()).add(shown(endpoints))
    return {name: " or ".join(sorted(each)) for name, each in found.items()}


def shown(endpoints: list[dict[str, Any]]) -> str:
    """A proxy's table; every cluster that it has for the service must have the same."""
    rows: dict[str, list[str]] = {}
    for one in endpoints:
        who = GATEWAYS.get(one["address"], f"p{int(one['address'].split('.')[1]) - 19}")
        line = f"{LOCALITIES[one['locality']]}: {who}/{one['priority']} x{one['weight']} x{one['group_weight']}"
        rows.setdefault(one["cluster"], []).append(line)
    return " or ".join(sorted({", ".join(sorted(each)) for each in rows.values()}))
