"""The presets are valid, and the classroom's numbers are the course's."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from meshctl.topology import node_pod_cidrs, node_routes
from meshctl.validate import PRESETS, find_topology


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_valid(preset: str) -> None:
    assert find_topology(preset=preset).name == preset


def test_classroom_routes_join_the_clusters_of_network2() -> None:
    classroom = find_topology(preset="classroom")
    routes = {c.name: [str(route) for route in node_routes(classroom, c)] for c in classroom.clusters}
    assert routes == {
        "cluster1": [],
        "cluster2": [
            "10.70.0.0/16 via 192.168.229.143",
            "172.22.0.0/24 via 192.168.229.144",
            "172.22.1.0/24 via 192.168.229.143",
            "172.22.2.0/24 via 192.168.229.145",
        ],
        "cluster3": [
            "10.69.0.0/16 via 192.168.229.140",
            "172.21.0.0/24 via 192.168.229.141",
            "172.21.1.0/24 via 192.168.229.140",
            "172.21.2.0/24 via 192.168.229.142",
        ],
    }


def test_routes_follow_the_live_pod_cidrs() -> None:
    classroom = find_topology(preset="classroom")
    live = {"cluster3-n1": IPv4Network("172.22.7.0/24")}
    routes = node_routes(classroom, classroom.cluster("cluster2"), live)
    assert [str(route) for route in routes] == ["10.70.0.0/16 via 192.168.229.143", "172.22.7.0/24 via 192.168.229.143"]


def test_localities_become_node_labels() -> None:
    assert find_topology(preset="classroom").primary.locality.labels == {
        "topology.kubernetes.io/region": "us-central1",
        "topology.kubernetes.io/zone": "z1",
        "topology.istio.io/subzone": "sz01",
    }


def test_nodes_without_a_pod_cidr_get_the_free_ones_in_order() -> None:
    oregon = find_topology(preset="five-clusters").cluster("oregon")
    assert [str(cidr) for cidr in node_pod_cidrs(oregon).values()] == [f"172.26.{i}.0/24" for i in range(4)]
