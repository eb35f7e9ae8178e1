"""`meshctl validate`: is the topology sound?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from meshctl.cli import output
from meshctl.cli.options import Output, Preset, TopologyFile
from meshctl.cli.output import Format
from meshctl.errors import InvalidInput

if TYPE_CHECKING:
    from meshctl.topology import Cluster, Topology


def validate(
    topology: TopologyFile = None,
    preset: Preset = None,
    form: Output = Format.table,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of topology.yaml.")] = False,
) -> None:
    """Check a topology and show what it says.

    Every problem is named at once, with its line.

    Example: meshctl validate -f topology.yaml
    """
    from meshctl import validate as topologies

    if schema:
        output.json(topologies.schema())
        return
    try:
        found = topologies.find_topology(topology, preset)
    except InvalidInput as fault:
        if form is not Format.json:
            raise
        problems = [{"line": p.line, "where": p.where, "message": p.message} for p in fault.problems]
        output.json({"source": fault.source, "valid": False, "problems": problems})
        raise typer.Exit(fault.exit_code) from None
    if form is Format.json:
        output.json({"valid": True, **_summary(found)})
        return
    output.table(
        ("cluster", "role", "network", "nodes", "pod cidr", "service cidr", "gateway", "locality"),
        _rows(found),
    )
    nodes = sum(len(cluster.nodes) for cluster in found.clusters)
    output.say(
        f"\n{found.name}: {len(found.clusters)} clusters, {nodes} nodes, {len(found.networks)} networks; "
        f"mesh {found.mesh_id}, Istio {found.istio_version}, provider {found.provider}: valid"
    )


def _rows(topology: Topology) -> list[list[object]]:
    return [
        [
            cluster.name,
            _role(cluster),
            cluster.network,
            len(cluster.nodes),
            cluster.pod_cidr,
            cluster.service_cidr,
            ",".join(map(str, cluster.gateway_addresses)),
            cluster.locality,
        ]
        for cluster in topology.clusters
    ]


def _role(cluster: Cluster) -> str:
    return "primary" if cluster.primary else "remote"


def _summary(topology: Topology) -> dict[str, Any]:
    from meshctl.topology import node_pod_cidrs, node_routes

    return {
        "name": topology.name,
        "provider": topology.provider,
        "mesh": {"id": topology.mesh_id, "trustDomain": topology.trust_domain},
        "istio": {"version": topology.istio_version},
        "nodeNetwork": str(topology.node_network),
        "clusters": [
            {
                "name": cluster.name,
                "role": _role(cluster),
                "network": cluster.network,
                "podCIDR": cluster.pod_cidr and str(cluster.pod_cidr),
                "serviceCIDR": cluster.service_cidr and str(cluster.service_cidr),
                "gateway": [str(address) for address in cluster.gateway_addresses],
                "locality": cluster.locality.labels,
                "apiServer": cluster.api_server,
                "routes": [str(route) for route in node_routes(topology, cluster)],
                "nodes": [
                    {
                        "name": node.name,
                        "address": str(node.address),
                        "role": "control-plane" if node.control_plane else "worker",
                        "podCIDR": str(cidr) if (cidr := node_pod_cidrs(cluster).get(node.name)) else None,
                    }
                    for node in cluster.nodes
                ],
            }
            for cluster in topology.clusters
        ],
    }
