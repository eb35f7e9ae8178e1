"""Static routes between the pod networks of clusters that share a network."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from ipaddress import IPv4Network

from pyinfra import host
from pyinfra.api import operation

from meshctl.facts.routes import RouteEntry, Routes
from meshctl.operations.change import Change
from meshctl.render.routes import PROTOCOL
from meshctl.topology import Route

_BY_HAND = ("boot", "static", str(PROTOCOL))


@operation()
def static(routes: Sequence[Route], mesh_cidrs: Sequence[IPv4Network]) -> Generator[Change, None, None]:
    """
    Exactly these routes lead into the mesh's pod and service networks; every other route is left alone.

    + routes: the routes to ensure
    + mesh_cidrs: pod and service CIDRs of the other clusters; a static route into them that isn't wanted is removed
    """
    live: list[RouteEntry] = host.get_fact(Routes)
    changes = differences(live, routes, mesh_cidrs)
    if not changes:
        host.noop("routes are as wanted")
    yield from changes


@operation()
def absent() -> Generator[Change, None, None]:
    """The routes that this tool made, known by their protocol number, are gone."""
    ours = [entry for entry in host.get_fact(Routes) if entry.protocol == str(PROTOCOL)]
    if not ours:
        host.noop("no route of ours is left")
    yield from map(_removal, ours)


def differences(live: Iterable[RouteEntry], wanted: Sequence[Route], mesh_cidrs: Sequence[IPv4Network]) -> list[Change]:
    """The commands that turn `live` into `wanted`: first what is wrong goes, then what is missing comes."""
    entries = list(live)
    hops = {route.destination: route for route in wanted}
    leading = {entry.destination: entry for entry in reversed(entries) if entry.metric == 0}
    changes = [_removal(entry) for entry in entries if _is_wrong(entry, hops, mesh_cidrs)]
    for route in wanted:
        entry = leading.get(route.destination)
        if entry is None or entry.via != route.via:
            changes.append(_replacement(route, entry))
    return changes


def _is_wrong(entry: RouteEntry, hops: dict[IPv4Network, Route], mesh_cidrs: Sequence[IPv4Network]) -> bool:
    if entry.via is None or entry.protocol not in _BY_HAND:
        return False
    wanted = hops.get(entry.destination)
    if wanted is not None:
        # A replacement overwrites the leading route; only a second one with another metric has to go.
        return entry.metric != 0 and entry.via != wanted.via
    return entry.protocol == str(PROTOCOL) or any(entry.destination.subnet_of(cidr) for cidr in mesh_cidrs)


def _removal(entry: RouteEntry) -> Change:
    metric = f" metric {entry.metric}" if entry.metric else ""
    via = f" via {entry.via}" if entry.via else ""
    command = f"ip route del {entry.destination}{via}{metric} proto {entry.protocol}"
    return Change(command, f"- route {entry.destination}{via}{metric}")


def _replacement(route: Route, entry: RouteEntry | None) -> Change:
    before = (f"- route {entry.destination} via {entry.via}",) if entry and entry.via else ()
    return Change(f"ip route replace {route.destination} via {route.via} proto {PROTOCOL}", *before, f"+ route {route}")
