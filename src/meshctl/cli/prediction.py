"""Predictions as tables, bars and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from meshctl.cli import output
from meshctl.predict.balancing import LocalityEndpoints
from meshctl.predict.flow import Hop, Prediction
from meshctl.predict.mesh import Mesh, Proxy, place_text

BAR = 30
HEADERS = ("endpoint", "locality", "priority", "weight", "group", "state", "share")
Results = Mapping[str, Mapping[str, Prediction]]


def document(mesh: Mesh, results: Results, notes: Sequence[str]) -> dict[str, Any]:
    """All as JSON; of several services each under its name."""
    head = {"producer": "meshctl model", "istio": str(mesh.release), "warnings": list(notes)}
    services = {
        service: {name: _document(result, mesh) for name, result in found.items()} for service, found in results.items()
    }
    if len(services) > 1:
        return head | {"services": services}
    return head | {"service": next(iter(services)), "clients": next(iter(services.values()))}


def show(mesh: Mesh, proxies: Mapping[str, Proxy], results: Results, notes: Sequence[str]) -> None:
    """Print a table and bars for each service and client, then the warnings."""
    for service, found in results.items():
        for name, result in found.items():
            place = place_text(proxies[name].locality) or "no locality"
            output.say(output.paint(f"{service} from {name} ({place})", output.BOLD))
            _show(result, mesh)
    for note in notes:
        output.warn(note)
    output.say(output.paint(f"meshctl model of Istio {mesh.release}, not measured", output.DIM))


def _show(result: Prediction, mesh: Mesh) -> None:
    if any(group.endpoints for group in result.client.table):
        output.table(HEADERS, _rows(result.client))
    else:
        output.say("no endpoint: every request ends as 503 UH")
    output.say()
    _show_bars(result)
    for cluster, hop in result.gateways.items():
        output.say(f"  behind the gateway of {cluster}: {_behind(hop, mesh)}")
    if result.stalled:
        waiting = _percent(result.stalled).strip()
        output.say(f"  {waiting} of the requests first wait for a host that doesn't answer (up to 10 s)")
    output.say()


def _show_bars(result: Prediction) -> None:
    width = max(len(name) for name in [*result.pods, "fails"])
    for pod, share in result.pods.items():
        output.say(f"  {pod.ljust(width)}  {_bar(share)} {_percent(share)}")
    if result.failed:
        text = f"{'fails'.ljust(width)}  {_bar(result.failed)} {_percent(result.failed)}"
        output.say("  " + output.paint(text, output.RED))


def _behind(hop: Hop, mesh: Mesh) -> str:
    """Each connection, not each request, is given to one of these."""
    names = {pod.address: pod.title for pod in mesh.pods}
    chosen = [f"{names[a.rpartition(':')[0]]} {_percent(share).strip()}" for a, share in hop.shares.items()]
    return (", ".join(chosen) + " of the connections") if chosen else "no endpoint, so that connections are closed"


def _rows(hop: Hop) -> list[list[object]]:
    return [
        [
            endpoint.address,
            group.locality,
            group.priority,
            endpoint.weight,
            group.weight,
            _state(endpoint.address, endpoint.healthy, hop),
            _percent(hop.shares.get(endpoint.address)).strip(),
        ]
        for group in hop.table
        for endpoint in group.endpoints
    ]


def _state(address: str, healthy: bool, hop: Hop) -> str:
    if address in hop.ejected:
        return "ejected"
    return "HEALTHY" if healthy else "UNHEALTHY"


def _percent(share: Fraction | None) -> str:
    return f"{float(share or 0) * 100:5.1f} %"


def _bar(share: Fraction) -> str:
    full = round(share * BAR)
    return "█" * full + "░" * (BAR - full)


def _document(result: Prediction, mesh: Mesh) -> dict[str, Any]:
    return {
        "table": _groups(result.client.table),
        "ejected": list(result.client.ejected),
        "endpoints": _floats(result.client.shares),
        "pods": _floats(result.pods),
        "clusters": _floats(result.clusters(mesh)),
        "failed": float(result.failed),
        "stalled": float(result.stalled),
        "gateways": {
            name: {"table": _groups(hop.table), "ejected": list(hop.ejected), "endpoints": _floats(hop.shares)}
            for name, hop in result.gateways.items()
        },
    }


def _floats(shares: Mapping[str, Fraction]) -> dict[str, float]:
    return {name: float(share) for name, share in shares.items()}


def _groups(groups: tuple[LocalityEndpoints, ...]) -> list[dict[str, Any]]:
    return [
        {
            "locality": group.locality,
            "priority": group.priority,
            "weight": group.weight,
            "endpoints": {e.address + ("" if e.healthy else " UNHEALTHY"): e.weight for e in group.endpoints},
        }
        for group in groups
    ]
