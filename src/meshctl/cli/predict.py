"""`meshctl predict`: where requests will go under a rule and outages, before anything is applied."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from meshctl.cli import output
from meshctl.cli.options import Output, Preset
from meshctl.cli.output import Format

if TYPE_CHECKING:
    from meshctl.predict.mesh import Mesh
    from meshctl.predict.outage import Damage
    from meshctl.topology import Topology


def predict(
    rules: Annotated[
        list[Path] | None, typer.Option("--file", "-f", metavar="RULES", help="YAML with DestinationRules; repeatable.")
    ] = None,
    topology: Annotated[
        Path | None,
        typer.Option("--topology", metavar="FILE", help="Topology file.  [default: ./topology.yaml, if present]"),
    ] = None,
    preset: Preset = None,
    service: Annotated[
        list[str] | None, typer.Option(help="Bookinfo service that is called; repeatable.  [default: productpage]")
    ] = None,
    subset: Annotated[str, typer.Option(help="Subset of the DestinationRule.")] = "",
    client: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CLIENT",
            help="CLUSTER (its ingress gateway), SERVICE@CLUSTER (a sidecar), eastwest/CLUSTER or egress/CLUSTER; "
            "* for every cluster; repeatable.  [default: *]",
        ),
    ] = None,
    fail: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OUTAGE",
            help="CLUSTER, CLUSTER-CLUSTER (a link), gateway/CLUSTER, node/NODE, pod/POD, "
            "gone|failing|unready/SERVICE@CLUSTER, failing/SERVICE@CLUSTER=30%; repeatable.",
        ),
    ] = None,
    replicas: Annotated[
        list[str] | None,
        typer.Option(metavar="SERVICE[@CLUSTER]=N", help="Replicas, if not one; repeatable."),
    ] = None,
    istio: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Istio version, such as 1.11.  [default: the topology's]")
    ] = None,
    form: Output = Format.table,
) -> None:
    """Show where requests go under a rule.

    Endpoint tables with weights and priorities, and the share of each pod, from the meshctl model of Istio's
    locality load balancing and Envoy's arithmetic; works offline on any topology.

    Example: meshctl predict -f rule.yaml --fail cluster2 --client cluster1
    """
    from meshctl.cli import prediction
    from meshctl.predict import flow, outage, targets, warning
    from meshctl.predict import rules as rule_files
    from meshctl.predict.clients import clients
    from meshctl.predict.mesh import bookinfo
    from meshctl.validate import find_topology

    found = _at_version(find_topology(topology, preset), istio)
    mesh = bookinfo(found, rule_files.replicas(replicas or ()))
    loaded = rule_files.load(rules or [])
    services = list(dict.fromkeys(service or ["productpage"]))
    rule_files.check_called(services, subset, loaded, mesh)
    damaged = outage.damage(mesh, targets.parse(fail or (), mesh))
    proxies = clients(mesh, client or _alive(mesh, damaged))
    results = {name: flow.predict_all(damaged, proxies, name, loaded, subset) for name in services}
    notes = warning.warnings(mesh, loaded)
    for name in services:
        notes += [note for one, found in results[name].items() for note in warning.of_prediction(one, name, found)]
    if form is Format.json:
        output.json(prediction.document(mesh, results, notes))
    else:
        prediction.show(mesh, proxies, results, notes)


def _at_version(topology: Topology, version: str | None) -> Topology:
    """The topology with another Istio; 1.11 means its first patch."""
    from meshctl.validate import with_istio

    if not version:
        return topology
    return with_istio(topology, version if version.count(".") > 1 else f"{version}.0")


def _alive(mesh: Mesh, damaged: Damage) -> list[str]:
    """Every cluster that can still ask, or all if none can."""
    return [name for name in mesh.by_name if name not in damaged.down] or list(mesh.by_name)
