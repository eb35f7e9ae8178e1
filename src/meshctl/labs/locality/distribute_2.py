"""distribute-2: the requests of one locality half and half to two others."""

from __future__ import annotations

from meshctl.labs.cast import Cast
from meshctl.labs.lab import Act, Lab
from meshctl.labs.locality.outages import CHAPTER, FEW, TRAFFIC, TROUBLE, failing, gone, near_down
from meshctl.labs.rules import EJECTING, OUTLIERS, distribute, place, rule


def acts(cast: Cast) -> tuple[Act, ...]:
    """The course's rule, which never ejects the dead cluster; then one that does.

    There each gateway keeps to its own pods. One that offered the dead cluster's would soon be ejected with them.
    """
    local, near, far = place(cast.local), place(cast.near), place(cast.far)
    entry = (local, {far: 50, near: 50})
    own = ((near, {near: 100}), (far, {far: 100}))
    course = rule("distribute-2", "productpage", distribute(entry, outliers=OUTLIERS))
    ejecting = rule("distribute-2-ejecting", "productpage", distribute(entry, *own, outliers=EJECTING))
    down = near_down(cast)
    return (
        Act("course", TRAFFIC, (course,)),
        Act("course-near-down", TROUBLE, (course,), (down,), FEW),
        Act("near-down", TRAFFIC, (ejecting,), (down,)),
        Act("local-gone", TRAFFIC, (ejecting,), (down, gone(cast))),
        Act("local-failing", TRAFFIC, (ejecting,), (down, failing(cast))),
        Act("near-back", TRAFFIC, (ejecting,)),
    )


LAB = Lab("distribute-2", CHAPTER, acts)
