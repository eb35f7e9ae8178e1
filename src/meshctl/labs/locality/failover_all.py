"""failover-all: failover for every service of the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshctl.labs.cast import Cast
from meshctl.labs.expectation import Answered, Broken, Ejections, Endpoints, Expectation
from meshctl.labs.lab import PAGE, Act, Lab, Load
from meshctl.labs.locality.outages import CHAPTER, failing, gone, near_down
from meshctl.labs.rules import EJECTING, OUTLIERS, failover, rule
from meshctl.labs.view import CALLERS
from meshctl.render.manifest import Manifest

BEHIND = [service for service, by in CALLERS.items() if by == "productpage"]
# Pages are slow while a host behind them is silent.
PAGES = Load(PAGE, requests=60, concurrency=4, timeout=30)
WHOLE = Load(PAGE, requests=200, concurrency=2, timeout=30)


def acts(cast: Cast) -> tuple[Act, ...]:
    """Only productpage fails over and pages break; then all services do and pages are whole."""
    one = (_rule(cast, "productpage", OUTLIERS),)
    course = tuple(_rule(cast, service, OUTLIERS) for service in CALLERS)
    ejecting = tuple(_rule(cast, service, EJECTING, "-ejecting") for service in CALLERS)
    down = near_down(cast)
    return (
        Act("only-productpage", _whole("productpage"), one, (), WHOLE),
        Act("only-productpage-near-down", _broken(), one, (down,), PAGES),
        Act("course-near-down", _whole(*CALLERS), course, (down,), WHOLE),
        Act("course-local-gone", _whole("productpage"), course, (gone(cast),), WHOLE),
        Act("local-failing", _whole("productpage"), ejecting, (failing(cast),), WHOLE),
        Act("both-gone", _whole("productpage"), ejecting, (down, gone(cast)), WHOLE),
        Act("near-back", _whole(*CALLERS), ejecting, (), WHOLE),
    )


def _whole(*services: str) -> tuple[Expectation, ...]:
    return tuple(
        expectation
        for service in services
        for expectation in (Endpoints(service), Ejections(service), Answered(service, by_cluster=True))
    )


def _broken() -> tuple[Expectation, ...]:
    return (Endpoints(), Answered(by_cluster=True), *(Broken(service) for service in BEHIND))


def _rule(cast: Cast, service: str, outliers: Mapping[str, Any], suffix: str = "") -> Manifest:
    regions = cast.local.locality.region, cast.near.locality.region
    name = f"failover-all-{service}{suffix}"
    return rule(name, service, failover(regions, regions[::-1], outliers=outliers))


LAB = Lab("failover-all", CHAPTER, acts)
