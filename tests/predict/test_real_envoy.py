"""Predictions against a real Envoy: random tables, and random meshes with rules and outages through both hops."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from meshctl.predict.balancing import LbEndpoint, LocalityEndpoints, Policy, shares

from .envoy_config import Case, Pool
from .envoy_rig import FAILED, count
from .evidence import settled, wrong
from .situations import is_certain, playable, situation

SAMPLE, WHOLE, BATCH = 12, 240, 60
MOST = 8000


def disagreements(cases: Sequence[Case], expected: Sequence[Mapping[str, float]], folder: Path) -> list[str]:
    """The cases whose shares can't be right, in words."""
    counts = asyncio.run(count(cases, lambda number, seen: settled(expected[number], seen), MOST, folder))
    return [
        f"case {number}: (expected, seen) {off} in {cases[number]}"
        for number, seen in enumerate(counts)
        if (off := wrong(expected[number], seen))
    ]


def test_shares_of_a_table_agree_with_a_real_envoy(soak: bool, tmp_path: Path) -> None:
    dice = random.Random(20261123)
    cases = [Case(random_pool(dice)) for _ in range(WHOLE if soak else SAMPLE)]
    expected = [
        {address: float(share) for address, share in shares(case.client.table, case.client.policy).items()}
        or {FAILED: 1.0}
        for case in cases
    ]
    for start in range(0, len(cases), BATCH):
        batch = slice(start, start + BATCH)
        assert disagreements(cases[batch], expected[batch], tmp_path) == []


def test_ends_of_requests_agree_with_real_envoys_in_both_hops(soak: bool, tmp_path: Path) -> None:
    dice = random.Random(20261124)
    found = [situation(dice, number) for number in range(2 * WHOLE if soak else 2 * SAMPLE)]
    chosen = [(number, one) for number, one in enumerate(found) if is_certain(one)][: WHOLE if soak else SAMPLE]
    assert len(chosen) == (WHOLE if soak else SAMPLE)
    cases = [playable(one, number) for number, one in chosen]
    expected = [one.expected() for _, one in chosen]
    for start in range(0, len(cases), BATCH):
        batch = slice(start, start + BATCH)
        assert disagreements(cases[batch], expected[batch], tmp_path) == []


def random_pool(dice: random.Random) -> Pool:
    """A table as failover, distribute or no rule makes them, some hosts unhealthy."""
    kind = dice.choice(["plain", "distribute", "failover"])
    groups = []
    number = 0
    for place in range(dice.randint(1, 5)):
        endpoints = []
        for _ in range(dice.randint(0, 4)):
            number += 1
            endpoints.append(LbEndpoint(f"127.0.1.{number}", dice.choice([1, 2, 2, 6]), dice.random() < 0.8))
        weight = dice.randint(1, 100) if kind == "distribute" else sum(e.weight for e in endpoints) or None
        priority = place if kind == "failover" else 0
        groups.append(LocalityEndpoints(f"r{place}/z/s", tuple(endpoints), weight, priority))
    return Pool(tuple(groups), Policy(kind != "plain", dice.choice([0, 0, 50])))
