"""`meshctl endpoints`: where a proxy would send requests now."""

from __future__ import annotations

from dataclasses import asdict
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

from meshctl.cli import mesh as live
from meshctl.cli import output
from meshctl.cli.options import Output, Preset, TopologyFile
from meshctl.cli.output import Format

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshctl.mesh.endpoints import Endpoint

HEADERS = ("endpoint", "status", "outlier check", "locality", "priority", "weight", "group", "cluster")


def endpoints(
    pod: Annotated[str, typer.Argument(metavar="POD", help="POD.NAMESPACE, CLUSTER/POD, or CLUSTER/deploy/NAME.")],
    cluster_name: Annotated[
        str | None,
        typer.Option("--cluster-name", metavar="NAME", help="Only this Envoy cluster, or those of this service."),
    ] = None,
    status: Annotated[str | None, typer.Option(help="Only endpoints of this status, such as UNHEALTHY.")] = None,
    topology: TopologyFile = None,
    preset: Preset = None,
    form: Output = Format.table,
) -> None:
    """Show the endpoints of a proxy.

    The table of `istioctl proxy-config endpoint`, with localities, priorities and weights, from Envoy's own admin
    interface. A service is named by its host or the first part of it.

    Example: meshctl endpoints cluster1/deploy/istio-ingressgateway --cluster-name productpage
    """
    from meshctl.mesh import admin, naming
    from meshctl.mesh.endpoints import matches, names, table

    mesh = live.connect(topology, preset)
    proxy = naming.find(live.survey(mesh), pod, proxies=True)
    clusters = admin.clusters(mesh, proxy)
    _check(cluster_name, names(clusters), proxy.full_name)
    found = [one for one in table(clusters, admin.endpoints_dump(mesh, proxy)) if matches(one.cluster, cluster_name)]
    if status:
        found = [one for one in found if one.status == status.upper()]
    if form is Format.json:
        output.json({"proxy": proxy.full_name, "producer": "real Envoy", "endpoints": [asdict(one) for one in found]})
        return
    if not found:
        output.say("no endpoints")
        return
    _show([_cells(one) for one in found])


def _show(rows: list[tuple[object, ...]]) -> None:
    """The table; on a terminal that is too narrow for it the name of a single cluster becomes its title."""
    if output.fits(HEADERS, rows) or len({row[-1] for row in rows}) > 1:
        output.table(HEADERS, rows)
        return
    output.say(output.paint(str(rows[0][-1]), output.BOLD))
    output.table(HEADERS[:-1], [row[:-1] for row in rows])


def _cells(one: Endpoint) -> tuple[object, ...]:
    place = (one.locality, one.priority, one.weight, one.group_weight)
    return (one.address, one.status, one.outlier_check, *place, one.cluster)


def _check(wanted: str | None, clusters: Sequence[str], proxy: str) -> None:
    """UsageError if the proxy has no cluster of that name: that is not the same as one without endpoints."""
    from meshctl.errors import UsageError
    from meshctl.mesh.endpoints import matches

    if any(matches(one, wanted) for one in clusters):
        return
    hosts = {one.split("|")[-1].split(".")[0]: one for one in clusters}
    near = [hosts.get(one, one) for one in get_close_matches(wanted or "", [*clusters, *hosts], 3)]
    hint = f"did you mean {' or '.join(dict.fromkeys(near))}?" if near else "see `meshctl proxy-config -t clusters`"
    raise UsageError(f"{proxy} has no cluster {wanted!r}; {hint}")
