"""port-distribute: distribute for one port of a service."""

from __future__ import annotations

from meshctl.labs.cast import Cast
from meshctl.labs.lab import Act, Lab
from meshctl.labs.locality.outages import FEW, PORT_CHAPTER, TRAFFIC, failing, gone, near_down
from meshctl.labs.rules import distribute, region, rule


def acts(cast: Cast) -> tuple[Act, ...]:
    """The course's rule; then one that also keeps the near gateway's requests in its own cluster."""
    local, near = region(cast.local), region(cast.near)
    course = rule("port-distribute", "productpage", distribute((local, {near: 100})), port_level=True)
    entries = ((local, {near: 100}), (near, {near: 100}))
    own = rule("port-distribute-own-pods", "productpage", distribute(*entries), port_level=True)
    return (
        Act("course", TRAFFIC, (course,)),
        Act("own-pods", TRAFFIC, (own,)),
        Act("local-gone", TRAFFIC, (own,), (gone(cast),)),
        Act("local-failing", TRAFFIC, (own,), (failing(cast),)),
        Act("near-down", TRAFFIC, (own,), (near_down(cast),), FEW),
        Act("near-back", TRAFFIC, (own,)),
    )


LAB = Lab("port-distribute", PORT_CHAPTER, acts)
