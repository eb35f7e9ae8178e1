"""The proxies of the mesh as `meshctl status` shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from meshctl.cli import output

if TYPE_CHECKING:
    from meshctl.kube.access import Access
    from meshctl.mesh.synchronization import ProxyStatus, Synchronization
    from meshctl.topology import Topology

TYPES = ("CDS", "LDS", "EDS", "RDS")
HEADERS = ("cluster", "name", *TYPES, "istiod", "version")
SECONDS = 5.0


def read(topology: Topology, accesses: Mapping[str, Access]) -> Synchronization | None:
    """How far the proxies are; None where nothing can be asked."""
    from meshctl.errors import UsageError
    from meshctl.mesh import clusters
    from meshctl.mesh.synchronization import synchronization

    try:
        mesh = clusters.connect(topology, accesses, SECONDS)
        return synchronization(mesh, clusters.survey(mesh))
    except UsageError:
        return None


def show(found: Synchronization) -> None:
    """The table of `istioctl proxy-status`, what is missing in it, and what proxies refused."""
    if not found.proxies and not found.missing:
        return
    output.say()
    missing = [(one.cluster, one.proxy_name, *("NOT CONNECTED",), *("",) * 5) for one in found.missing]
    rows = [*map(_cells, found.proxies), *missing]
    planes = sorted({" ".join(row[-2:]) for row in rows if row[-1]})
    narrow = len(planes) == 1 and not output.fits(HEADERS, rows)
    # What is the same everywhere is said once where there is no room.
    size = len(HEADERS) - 2 if narrow else len(HEADERS)
    output.table(HEADERS[:size], [row[:size] for row in rows])
    output.say(_summary(found) + (f" with {planes[0]}" if narrow else ""))
    for (kind, reason), names in _refusals(found).items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        output.error(f"{names[0]}{more} refused {kind}: {reason}")
    for note in found.notes:
        output.error(note)


def _refusals(found: Synchronization) -> dict[tuple[str, str], list[str]]:
    """Which proxies refused what for the same reason."""
    from meshctl.mesh.synchronization import gist

    refused: dict[tuple[str, str], list[str]] = {}
    for one in found.proxies:
        for kind, reason in one.refusals.items():
            refused.setdefault((kind, gist(reason)), []).append(f"{one.name} in {one.cluster}")
    return refused


def _cells(one: ProxyStatus) -> tuple[str, ...]:
    return (one.cluster, one.name, *(one.states[kind] for kind in TYPES), one.istiod, one.version)


def _summary(found: Synchronization) -> str:
    synced = sum(1 for one in found.proxies if one.synced)
    whole = len(found.proxies) + len(found.missing)
    states = Counter(state for one in found.proxies for state in one.states.values())
    rest = ", ".join(
        f"{number} {state}" for state, number in sorted(states.items()) if state not in ("SYNCED", "NOT SENT")
    )
    return f"{synced} of {whole} proxies are synced" + (f"; {rest}" if rest else "")


def document(found: Synchronization) -> list[dict[str, Any]]:
    """The same for programs; a proxy that runs and is not connected has no states."""
    connected = [
        {
            "cluster": one.cluster,
            "name": one.name,
            "connected": True,
            "synced": one.synced,
            **{kind: one.states[kind] for kind in TYPES},
            "refused": dict(one.refusals),
            "istiod": one.istiod,
            "version": one.version,
        }
        for one in found.proxies
    ]
    missing = [
        {"cluster": one.cluster, "name": one.proxy_name, "connected": False, "synced": False} for one in found.missing
    ]
    return [*connected, *missing]
