"""default-failover: what outlierDetection alone does, without any locality setting."""

from __future__ import annotations

from meshctl.labs.cast import Cast
from meshctl.labs.lab import Act, Lab
from meshctl.labs.locality.outages import CHAPTER, TRAFFIC, failing, gone, near_down
from meshctl.labs.rules import EJECTING, rule


def acts(cast: Cast) -> tuple[Act, ...]:
    """No outlierDetection: every locality alike; with it: the own region first, then all others alike."""
    plain = rule("default-failover-off", "productpage", {})
    course = rule("default-failover", "productpage", {"outlierDetection": dict(EJECTING)})
    down = near_down(cast)
    return (
        Act("no-outlier-detection", TRAFFIC, (plain,)),
        Act("course", TRAFFIC, (course,)),
        Act("near-down", TRAFFIC, (course,), (down,)),
        Act("local-gone", TRAFFIC, (course,), (gone(cast),)),
        Act("local-failing", TRAFFIC, (course,), (failing(cast),)),
        Act("both-gone", TRAFFIC, (course,), (down, gone(cast))),
        Act("near-back", TRAFFIC, (course,)),
    )


LAB = Lab("default-failover", CHAPTER, acts)
