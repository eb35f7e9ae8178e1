"""What counts say about shares."""

from __future__ import annotations

import random

import pytest

from meshctl.labs.evidence import Verdict, final, interval, requests_for, verdict


@pytest.mark.parametrize(
    ("count", "total", "share", "wanted"),
    [
        (200, 200, 1.0, Verdict.passed),
        (196, 200, 1.0, Verdict.open),
        (240, 300, 0.5, Verdict.failed),
        (190, 200, 1.0, Verdict.failed),
        (750, 1500, 0.5, Verdict.passed),
        (10, 20, 0.5, Verdict.open),
        (0, 200, 0.0, Verdict.passed),
        (0, 0, 1.0, Verdict.open),
    ],
)
def test_verdict(count: int, total: int, share: float, wanted: Verdict) -> None:
    assert verdict(count, total, share) is wanted


def test_the_end_judges_by_what_is_plainly_wrong() -> None:
    assert final(12, 20, 0.5) is Verdict.passed
    assert final(40, 40, 0.5) is Verdict.failed
    assert final(0, 0, 0.5) is Verdict.failed


def drawn(share: float, expected: float, seed: int) -> Verdict:
    """As the engine goes about it: more requests until it is settled, five times at most."""
    chance = random.Random(seed)
    size, count, total = requests_for([expected]), 0, 0
    for _ in range(5):
        count += sum(chance.random() < share for _ in range(size))
        total += size
        found = verdict(count, total, expected)
        if found is not Verdict.open:
            return found
    return final(count, total, expected)


@pytest.mark.parametrize("share", [0.5, 1 / 3, 1.0, 0.75])
def test_a_right_share_is_hardly_ever_called_wrong(share: float) -> None:
    assert {drawn(share, share, seed) for seed in range(200)} == {Verdict.passed}


@pytest.mark.parametrize(("share", "expected"), [(0.55, 0.5), (0.45, 0.5), (0.95, 1.0), (0.05, 0.0), (0.38, 1 / 3)])
def test_a_share_five_points_off_hardly_ever_passes(share: float, expected: float) -> None:
    passed = [drawn(share, expected, seed) for seed in range(200)].count(Verdict.passed)
    assert passed <= 3


def test_the_interval_holds_the_true_share_as_often_as_it_says() -> None:
    chance = random.Random(7)
    held = 0
    for _ in range(1000):
        low, high = interval(sum(chance.random() < 0.3 for _ in range(300)), 300)
        held += low <= 0.3 <= high
    assert 980 <= held <= 999


def test_even_shares_need_more_requests_than_whole_ones() -> None:
    assert requests_for([1.0, 0.0]) == 200
    assert 1000 <= requests_for([0.5, 0.5]) <= 2000
