"""port-failover: failover for one port of a service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshctl.labs.cast import Cast
from meshctl.labs.lab import Act, Lab
from meshctl.labs.locality.outages import FEW, PORT_CHAPTER, TRAFFIC, failing, gone, near_down
from meshctl.labs.rules import EJECTING, failover, rule
from meshctl.render.manifest import Manifest

# As the course has it: an old name that Istio ignores, so that Envoy's five consecutive errors count.
COURSE = {"consecutiveErrors": 7, "interval": "5m", "baseEjectionTime": "15m"}


def acts(cast: Cast) -> tuple[Act, ...]:
    """The course's rule, which never ejects and names its only pair twice; then one that does."""
    course = _rule(cast, "port-failover", COURSE)
    ejecting = _rule(cast, "port-failover-ejecting", EJECTING)
    down = near_down(cast)
    return (
        Act("course", TRAFFIC, (course,)),
        Act("course-near-down", TRAFFIC, (course,), (down,)),
        Act("course-local-gone", TRAFFIC, (course,), (gone(cast),)),
        Act("course-local-failing", TRAFFIC, (course,), (failing(cast),), FEW),
        Act("local-failing", TRAFFIC, (ejecting,), (failing(cast),)),
        Act("both-gone", TRAFFIC, (ejecting,), (down, gone(cast))),
        Act("near-back", TRAFFIC, (ejecting,)),
    )


def _rule(cast: Cast, name: str, outliers: Mapping[str, Any]) -> Manifest:
    pair = (cast.local.locality.region, cast.near.locality.region)
    return rule(name, "productpage", failover(pair, pair, outliers=outliers), port_level=True)


LAB = Lab("port-failover", PORT_CHAPTER, acts)
