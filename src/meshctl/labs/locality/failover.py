"""failover: another region stands in for the local one, for productpage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshctl.labs.cast import Cast
from meshctl.labs.lab import Act, Lab, Script
from meshctl.labs.locality.outages import CHAPTER, FEW, TRAFFIC, failing, failover_script, gone, near_down
from meshctl.labs.rules import EJECTING, OUTLIERS, failover, rule
from meshctl.render.manifest import Manifest

# Ejections that end while one looks on.
BRIEF = {**EJECTING, "interval": "1s", "baseEjectionTime": "10s"}


def acts(cast: Cast) -> tuple[Act, ...]:
    """The course's rule, which never ejects; then one that does."""
    course = _rule(cast, "failover", OUTLIERS)
    ejecting = _rule(cast, "failover-ejecting", EJECTING)
    down = near_down(cast)
    return (
        Act("course", TRAFFIC, (course,)),
        Act("course-near-down", TRAFFIC, (course,), (down,)),
        Act("course-local-gone", TRAFFIC, (course,), (gone(cast),)),
        Act("course-both-gone", TRAFFIC, (course,), (down, gone(cast)), FEW),
        Act("course-local-failing", TRAFFIC, (course,), (failing(cast),), FEW),
        Act("local-failing", TRAFFIC, (ejecting,), (failing(cast),)),
        Act("both-gone", TRAFFIC, (ejecting,), (down, gone(cast))),
        Act("near-back", TRAFFIC, (ejecting,)),
    )


def script(cast: Cast) -> Script:
    """Near cluster down and local pods gone, second by second."""
    return failover_script(cast, _rule(cast, "failover-brief", BRIEF))


def _rule(cast: Cast, name: str, outliers: Mapping[str, Any]) -> Manifest:
    regions = cast.local.locality.region, cast.near.locality.region
    return rule(name, "productpage", failover(regions, regions[::-1], outliers=outliers))


LAB = Lab("failover", CHAPTER, acts, script)
