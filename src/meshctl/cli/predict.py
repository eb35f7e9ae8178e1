"""`meshctl predict`: where requests will go under a rule and outages, before anything is applied."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from meshctl.cli import output
from meshctl.cli.options import Output, Preset
from meshctl.cli.output import Format

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from meshctl.predict.balancing import LocalityEndpoints
    from meshctl.predict.flow import Hop, Prediction
    from meshctl.predict.mesh import Mesh, Proxy

BAR = 30


def predict(
    rules: Annotated[
        list[Path] | None, typer.Option("--file", "-f", metavar="RULES", help="YAML with DestinationRules; repeatable.")
    ] = None,
    topology: Annotated[
        Path | None,
        typer.Option("--topology", metavar="FILE", help="Topology file.  [default: ./topology.yaml, if present]"),
    ] = None,
    preset: Preset = None,
    service: Annotated[str, typer.Option(help="Bookinfo service that is called.")] = "productpage",
    subset: Annotated[str, typer.Option(help="Subset of the DestinationRule.")] = "",
    client: Annotated[
        list[str] | None,
        typer.Option(metavar="CLIENT", help="CLUSTER, or eastwest/CLUSTER; repeatable.  [default: every cluster]"),
    ] = None,
    fail: Annotated[
        list[str] | None,
        typer.Option(metavar="OUTAGE", help="CLUSTER, gateway/CLUSTER, gone|failing|unready/SERVICE@CLUSTER."),
    ] = None,
    replicas: Annotated[
        list[str] | None,
        typer.Option(metavar="SERVICE[@CLUSTER]=N", help="Replicas, if not one; repeatable."),
    ] = None,
    form: Output = Format.table,
) -> None:
    """Show where requests go under a rule.

    Endpoint tables with weights and priorities, and the share of each pod, from the meshctl model of Istio's
    locality load balancing and Envoy's arithmetic; works offline on any topology.

    Example: meshctl predict -f rule.yaml --fail cluster2 --client cluster1
    """
    from meshctl.predict import flow, outage, warning
    from meshctl.predict import rules as rule_files
    from meshctl.predict.mesh import bookinfo
    from meshctl.validate import find_topology

    found = find_topology(topology, preset)
    mesh = bookinfo(found, rule_files.replicas(replicas or ()))
    loaded = rule_files.load(rules or [])
    rule_files.check_service(service, mesh)
    damaged = outage.damage(mesh, outage.parse(fail or (), mesh))
    proxies = rule_files.clients(mesh, client)
    notes = warning.warnings(mesh, loaded)
    results = {name: flow.predict(damaged, proxy, service, loaded, subset) for name, proxy in proxies.items()}
    if form is Format.json:
        document = {name: _document(result, mesh) for name, result in results.items()}
        output.json({"producer": "meshctl model", "service": service, "warnings": notes, "clients": document})
        return
    for name, result in results.items():
        _show(name, proxies[name], service, result)
    for note in notes:
        output.warn(note)
    output.say(output.paint("meshctl model, not measured", output.DIM))


def _show(name: str, proxy: Proxy, service: str, result: Prediction) -> None:
    place = "/".join(proxy.locality).rstrip("/") or "no locality"
    output.say(output.paint(f"{service} from {name} ({place})", output.BOLD))
    output.table(("endpoint", "locality", "priority", "weight", "group", "state", "share"), _rows(result.client))
    output.say()
    width = max([len(pod) for pod in result.pods] + [len("fails")])
    for pod, share in result.pods.items():
        output.say(f"  {pod.ljust(width)}  {_bar(share)} {_percent(share)}")
    if result.failed:
        output.say(
            "  " + output.paint(f"{'fails'.ljust(width)}  {_bar(result.failed)} {_percent(result.failed)}", output.RED)
        )
    if result.stalled:
        output.say(
            f"  {_percent(result.stalled).strip()} of the requests first wait for a host that doesn't answer (10 s)"
        )
    output.say()


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
