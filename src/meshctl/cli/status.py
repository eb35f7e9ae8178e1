"""`meshctl status`: what should be there against what is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from meshctl.cli import output
from meshctl.cli.options import Output, Preset, TopologyFile
from meshctl.cli.output import Format
from meshctl.cli.report import Report

if TYPE_CHECKING:
    from meshctl.topology import Topology


def status(topology: TopologyFile = None, preset: Preset = None, form: Output = Format.table) -> None:
    """Show what should be there against what is.

    One row a host: whether it answers, and how many differences `plan` would show. Exit code 1 if any.

    Example: meshctl status -o json
    """
    from meshctl import provision
    from meshctl.providers import choose
    from meshctl.validate import find_topology

    wanted = find_topology(topology, preset)
    provider = choose.provider(wanted)
    report = Report(live=False)
    if provider.exists():
        with output.progress("reading the hosts"):
            report.follow(provision.plan(wanted, provider, provision.Selection()))
    rows = _rows(wanted, report, provider.exists())
    right = all(row["state"] == "ready" for row in rows)
    if form is Format.json:
        output.json({"name": wanted.name, "provider": wanted.provider, "ready": right, "hosts": rows})
    else:
        headers = ("cluster", "node", "address", "role", "state", "routes", "to do")
        output.table(headers, ([row[key] for key in headers] for row in rows))
        for line in report.problems():
            output.error(line)
        output.next_step("meshctl shell NODE" if right else "meshctl up")
    if not right:
        raise typer.Exit(1)


def _rows(topology: Topology, report: Report, exists: bool) -> list[dict[str, Any]]:
    from meshctl.topology import node_routes

    return [
        {
            "cluster": cluster.name,
            "node": node.name,
            "address": str(node.address),
            "role": "control-plane" if node.control_plane else "worker",
            "state": _state(node.name, report, exists),
            "routes": len(node_routes(topology, cluster)),
            "to do": len(_differences(node.name, report)),
        }
        for cluster, node in topology.nodes
    ]


def _differences(node: str, report: Report) -> list[str]:
    return [line for step in report.steps for line in step.changes.get(node, [])]


def _state(node: str, report: Report, exists: bool) -> str:
    read = {host for step in report.steps for host in step.hosts}
    if not exists:
        return "absent"
    if node in report.unreachable:
        return "unreachable"
    if node not in read or any(node in step.failures for step in report.steps):
        return "unknown"
    return "differs" if _differences(node, report) else "ready"
