"""What a topology asks of the fabric."""

from __future__ import annotations

import dataclasses
from ipaddress import IPv4Address

import pytest

from meshctl.sandbox import create
from meshctl.validate import PRESETS, find_topology


@pytest.mark.parametrize("preset", PRESETS)
def test_the_fabric_holds_every_node_and_an_address_nobody_has(preset: str) -> None:
    topology = find_topology(preset=preset)
    fabric = create.fabric(topology)
    own, _, prefix = fabric.address.partition("/")
    assert {host.name: host.address for host in fabric.hosts} == create.addresses(topology)
    assert IPv4Address(own) in topology.node_network
    assert int(prefix) == topology.node_network.prefixlen
    gateways = {str(address) for cluster in topology.clusters for address in cluster.gateway_addresses}
    assert own not in {host.address for host in fabric.hosts} | gateways


def test_the_fabrics_address_makes_way_for_nodes_and_gateways() -> None:
    topology = find_topology(preset="classroom")
    cluster = topology.clusters[0]
    first, second = list(topology.node_network.hosts())[:2]
    node = dataclasses.replace(cluster.nodes[0], address=first)
    crowded = dataclasses.replace(cluster, nodes=(node, *cluster.nodes[1:]), gateway_addresses=(second,))
    moved = dataclasses.replace(topology, clusters=(crowded, *topology.clusters[1:]))
    assert create.fabric(moved).address == f"{first + 2}/24"


def test_changes_read_as_lines() -> None:
    changes = create.Changes(created=("a",), removed=("b",), mended=("c",))
    assert changes.lines() == ("remove host b", "create host a", "mend host c")
    assert not create.Changes()
