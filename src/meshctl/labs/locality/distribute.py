"""distribute: all requests of one locality to one other."""

from __future__ import annotations

from meshctl.labs.cast import Cast
from meshctl.labs.lab import Act, Lab
from meshctl.labs.locality.outages import CHAPTER, TRAFFIC, failing, gone, near_down
from meshctl.labs.rules import EJECTING, OUTLIERS, distribute, place, rule


def acts(cast: Cast) -> tuple[Act, ...]:
    """The course's rule; then one that also keeps the far gateway's requests in its own cluster."""
    local, far = place(cast.local), place(cast.far)
    course = rule("distribute", "productpage", distribute((local, {far: 100}), outliers=OUTLIERS))
    entries = ((local, {far: 100}), (far, {far: 100}))
    own = rule("distribute-own-pods", "productpage", distribute(*entries, outliers=EJECTING))
    down = near_down(cast)
    return (
        Act("course", TRAFFIC, (course,)),
        Act("own-pods", TRAFFIC, (own,)),
        Act("near-down", TRAFFIC, (own,), (down,)),
        Act("local-gone", TRAFFIC, (own,), (down, gone(cast))),
        Act("local-failing", TRAFFIC, (own,), (down, failing(cast))),
        Act("near-back", TRAFFIC, (own,)),
    )


LAB = Lab("distribute", CHAPTER, acts)
