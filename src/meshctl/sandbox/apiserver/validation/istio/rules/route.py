"""Rules of where a route leads: destinations, weights, mirrors."""

from __future__ import annotations

from collections.abc import Sequence

from meshctl.sandbox.apiserver.validation.istio.decoding import Record
from meshctl.sandbox.apiserver.validation.istio.problem import Problems, error, listed
from meshctl.sandbox.apiserver.validation.istio.rules import header, names
from meshctl.sandbox.apiserver.validation.istio.rules.destination_rule import subset_name


def destination(target: Record | None) -> Problems:
    """A host, perhaps its subset and port."""
    if target is None:
        return
    if target.host == "*":
        yield error(f"invalid destination host {target.host}")
    else:
        yield from names.wildcard_domain(target.host)
    if target.subset:
        yield from subset_name(target.subset)
    if target.port is not None:
        yield from names.port(target.port.number)


def destinations(routes: Sequence[Record], with_headers: bool = False) -> Problems:
    """Weighted destinations; a sum of zero is fine for one alone."""
    for route in routes:
        if route.destination is None:
            yield listed("destination is required")
        if with_headers:
            yield from header.operations(route.headers)
        yield from destination(route.destination)
        if route.weight < 0:
            yield error(f"weight {route.weight} < 0")
    if len(routes) > 1 and sum(route.weight for route in routes) == 0:
        yield error("total destination weight = 0")


def mirrors(policies: Sequence[Record]) -> Problems:
    """Mirrored traffic."""
    for policy in policies:
        if policy.destination is None:
            yield error("destination is required for mirrors")
            continue
        yield from destination(policy.destination)
        yield from mirror_percentage(policy.percentage, "mirror percentage")


def mirror_percentage(percentage: Record | None, about: str) -> Problems:
    """How much is mirrored, from 0 to 100."""
    value = 0.0 if percentage is None else percentage.value
    if value > 100:
        yield error(f"{about} must have a max value of 100 (it has {value:f})")
    if value < 0:
        yield error(f"{about} must have a min value of 0 (it has {value:f})")
