"""`meshctl status`: what should be there against what is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from meshctl.cli import fail, output, proxy_status
from meshctl.cli.options import Output, Preset, TopologyFile
from meshctl.cli.output import Format
from meshctl.cli.report import Report

if TYPE_CHECKING:
    from meshctl.kube.access import Access
    from meshctl.outages import Outage
    from meshctl.providers.provider import Provider
    from meshctl.topology import Topology

HOST = ("cluster", "node", "address", "role", "state", "routes", "to do")
# What a person asks of a cluster, and the steps of `up` that answer it.
SUBJECTS = {
    "labels": ("node-labels", "namespaces"),
    "secrets": ("cacerts", "istio-readers", "remote-secrets"),
    "istio": ("istio-operators", "istio", "istio-remotes", "rollout"),
    "gateways": ("eastwest", "eastwest-remotes", "exposure"),
    "bookinfo": ("bookinfo",),
}
CLUSTER = ("cluster", "network", "api", "nodes", *SUBJECTS)


def status(topology: TopologyFile = None, preset: Preset = None, form: Output = Format.table) -> None:
    """Show what should be there against what is.

    One row a host: whether it answers, and how many differences `plan` would show there. One row a cluster: its API,
    its nodes, and whether its objects are as they should be. One row a proxy: whether it has the clusters, listeners,
    endpoints and routes that its control plane sent. Then what `meshctl fail` broke. Exit code 1 if anything is not
    as it should be.

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
    accesses = _accesses(provider)
    clusters = _clusters(wanted, report, accesses, provider.exists())
    proxies = proxy_status.read(wanted, accesses) if accesses else None
    right = all(row["state"] == "ready" for row in rows) and all(row["api"] in ("ready", "-") for row in clusters)
    failing = _failing(wanted, provider)
    right = right and (proxies is None or proxies.synced) and not failing
    if form is Format.json:
        document = {"name": wanted.name, "provider": wanted.provider, "ready": right}
        document["outages"] = [one.document for one in failing]
        mesh = {} if proxies is None else {"proxies": proxy_status.document(proxies), "notes": proxies.notes}
        output.json({**document, "hosts": rows, "clusters": clusters, **mesh})
    else:
        output.table(HOST, ([row[key] for key in HOST] for row in rows))
        output.say()
        output.table(CLUSTER, ([row[key] for key in CLUSTER] for row in clusters))
        if proxies:
            proxy_status.show(proxies)
        if failing:
            output.say()
            fail.show(failing)
        for line in report.problems():
            output.error(line)
        output.next_step("meshctl shell NODE" if right else "meshctl heal" if failing else "meshctl up")
    if not right:
        raise typer.Exit(1)


def _failing(topology: Topology, provider: Provider) -> tuple[Outage, ...]:
    """What `meshctl fail` broke, as far as the hosts can be asked."""
    from meshctl import outages
    from meshctl.errors import MeshctlError

    try:
        return outages.current(topology, provider) if provider.exists() else ()
    except MeshctlError:
        return ()


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


def _accesses(provider: Provider) -> Mapping[str, Access]:
    """The ways into the clusters that there are."""
    from meshctl.errors import UsageError

    try:
        return provider.forwarded()
    except UsageError:
        return {}


def _clusters(topology: Topology, report: Report, accesses: Mapping[str, Access], exists: bool) -> list[dict[str, str]]:
    return [
        {
            "cluster": cluster.name,
            "network": cluster.network,
            **_api(accesses.get(cluster.name), exists),
            **{name: _subject(cluster.control_plane.name, steps, report) for name, steps in SUBJECTS.items()},
        }
        for cluster in topology.clusters
    ]


def _api(access: Access | None, exists: bool) -> dict[str, str]:
    """Its state and its nodes; "-" where we have no way in."""
    from meshctl.kube import nodes
    from meshctl.kube.client import ApiError, Client

    if access is None:
        return {"api": "-" if exists else "absent", "nodes": "-"}
    try:
        ready, total = nodes.ready(Client(access))
    except ApiError:
        return {"api": "unreachable", "nodes": "-"}
    return {"api": "ready", "nodes": f"{ready}/{total}"}


def _subject(node: str, names: tuple[str, ...], report: Report) -> str:
    steps = [step for step in report.steps if step.name in names]
    if any(node in step.failures for step in steps):
        return "unknown"
    if not any(node in step.hosts for step in steps):
        return "-"
    return "differs" if any(node in step.changes for step in steps) else "ready"


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
