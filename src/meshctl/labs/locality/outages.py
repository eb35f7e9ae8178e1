"""The outages that the locality labs share, and what they look at."""

from __future__ import annotations

from meshctl.labs.cast import Cast
from meshctl.labs.expectation import Answered, Chosen, Ejections, Endpoints, Expectation, Suffering
from meshctl.labs.lab import Cue, Load, Script
from meshctl.predict.outage import Outage
from meshctl.render.manifest import Manifest

CHAPTER = "localityLbSetting"
PORT_CHAPTER = "portLevelSettings: localityLbSetting"
TRAFFIC: tuple[Expectation, ...] = (Endpoints(), Ejections(), Chosen(), Answered())
TROUBLE: tuple[Expectation, ...] = (Endpoints(), Ejections(), Suffering())
# Where every request fails, or waits before it fails, a few tell all.
FEW = Load(requests=150, concurrency=50)


def near_down(cast: Cast) -> Outage:
    """The near cluster drops every packet."""
    return Outage("cluster", cast.near.name)


def gone(cast: Cast) -> Outage:
    """The local cluster has no productpage."""
    return Outage("gone", cast.local.name, "productpage")


def failing(cast: Cast) -> Outage:
    """The local cluster's productpage answers 500."""
    return Outage("failing", cast.local.name, "productpage")


def failover_script(cast: Cast, *rules: Manifest) -> Script:
    """The near cluster goes down and the local pods with it; one after the other comes back."""
    return Script(
        rules,
        (
            Cue(5, "both-gone", (near_down(cast), gone(cast))),
            Cue(14, "near-back", (gone(cast),)),
            Cue(28, "local-back"),
        ),
        seconds=42,
    )
