"""Broken topologies: every problem is named, with the line it stands in and what is allowed."""

from __future__ import annotations

import pytest

from meshctl.errors import InvalidInput
from meshctl.validate import parse

GOOD = """\
apiVersion: meshctl/v1
name: pair
istio: {version: "1.31.0"}
provider: {type: sandbox}
nodeNetwork: 192.168.10.0/24
clusters:
  - name: east
    role: primary
    network: lan
    podCIDR: 172.20.0.0/16
    serviceCIDR: 10.68.0.0/16
    gateway: 192.168.10.100
    locality: {region: r1, zone: z1, subzone: s1}
    nodes:
      - {name: east-1, address: 192.168.10.11, role: control-plane, podCIDR: 172.20.0.0/24}
      - {name: east-2, address: 192.168.10.12}
  - name: west
    role: remote
    network: wan
    podCIDR: 172.21.0.0/16
    serviceCIDR: 10.69.0.0/16
    gateway: 192.168.10.101
    locality: {region: r2}
    nodes:
      - {name: west-1, address: 192.168.10.21}
"""

WEST = GOOD[GOOD.index("  - name: west") :]

# what is replaced by what, and the problems to be named: (line, where, words of the message)
Named = tuple[int, str, str]
BROKEN: dict[str, tuple[list[tuple[str, str]], list[Named]]] = {
    "no primary": ([("role: primary", "role: remote")], [(6, "clusters", "no cluster is primary")]),
    "two primaries": ([("role: remote", "role: primary")], [(18, "clusters[1].role", "second primary beside east")]),
    "unknown role": ([("role: remote", "role: replica")], [(18, "clusters[1].role", "'replica'; expected primary")]),
    "unknown key": (
        [("gateway: 192.168.10.101", "gatway: 192.168.10.101")],
        [(22, "clusters[1].gatway", "gateway?"), (17, "clusters[1].gateway", "is missing")],
    ),
    "unknown top key": ([("name: pair", "name: pair\nregion: x")], [(3, "region", "unknown key")]),
    "missing network": ([("    network: wan\n", "")], [(17, "clusters[1].network", "is missing")]),
    "missing apiVersion": ([("apiVersion: meshctl/v1\n", "")], [(1, "apiVersion", "is missing")]),
    "newer apiVersion": ([("meshctl/v1", "meshctl/v2")], [(1, "apiVersion", "'meshctl/v2'; expected meshctl/v1")]),
    "missing clusters": ([(GOOD[GOOD.index("clusters") :], "")], [(1, "clusters", "is missing")]),
    "no clusters": ([(GOOD[GOOD.index("clusters") :], "clusters: []\n")], [(6, "clusters", "at least one item")]),
    "clusters no list": ([(GOOD[GOOD.index("clusters") :], "clusters: 3\n")], [(6, "clusters", "expected a list")]),
    "no nodes": (
        [("    nodes:\n      - {name: west-1, address: 192.168.10.21}\n", "    nodes: []\n")],
        [(24, "clusters[1].nodes", "at least one item")],
    ),
    "node no mapping": (
        [("{name: west-1, address: 192.168.10.21}", "west-1")],
        [(25, "clusters[1].nodes[0]", "expected a mapping")],
    ),
    "bad cluster name": ([("name: west\n", "name: West_1\n")], [(17, "clusters[1].name", "lower-case")]),
    "long node name": ([("west-1", "w" * 64)], [(25, "clusters[1].nodes[0].name", "at most 63")]),
    "same cluster name": ([("name: west\n", "name: east\n")], [(17, "clusters[1].name", "used twice as cluster name")]),
    "same node name": (
        [("name: west-1", "name: east-2")],
        [(25, "clusters[1].nodes[0].name", "first at clusters[0].nodes[1].name")],
    ),
    "same address": (
        [("address: 192.168.10.21", "address: 192.168.10.12")],
        [(25, "clusters[1].nodes[0].address", "used twice as address")],
    ),
    "gateway is a node": (
        [("gateway: 192.168.10.101", "gateway: 192.168.10.11")],
        [(22, "clusters[1].gateway", "used twice as address")],
    ),
    "no address": ([("192.168.10.21", "192.168.10.300")], [(25, "clusters[1].nodes[0].address", "an IPv4 address")]),
    "address is IPv6": ([("192.168.10.21", '"fd00::1"')], [(25, "clusters[1].nodes[0].address", "an IPv4 address")]),
    "address is a number": ([("192.168.10.21", "21")], [(25, "clusters[1].nodes[0].address", "expected text")]),
    "node outside": ([("192.168.10.21", "192.168.11.21")], [(25, "clusters[1].nodes[0].address", "outside node")]),
    "gateway outside": ([("192.168.10.101", "10.1.1.1")], [(22, "clusters[1].gateway", "outside nodeNetwork")]),
    "broadcast": ([("192.168.10.21", "192.168.10.255")], [(25, "clusters[1].nodes[0].address", "broadcast address")]),
    "network address": ([("192.168.10.101", "192.168.10.0")], [(22, "clusters[1].gateway", "network or broadcast")]),
    "empty gateway list": ([("gateway: 192.168.10.101", "gateway: []")], [(22, "clusters[1].gateway", "at least one")]),
    "gateway list": (
        [("gateway: 192.168.10.101", "gateway: [192.168.10.101, 192.168.10.101]")],
        [(22, "clusters[1].gateway[1]", "used twice")],
    ),
    "no gateway": ([("    gateway: 192.168.10.101\n", "")], [(17, "clusters[1].gateway", "no cluster of wan")]),
    "primary without gateway": (
        [("    gateway: 192.168.10.100\n", ""), ("network: wan", "network: lan")],
        [(7, "clusters[0].gateway", "reach the primary's control plane")],
    ),
    "no CIDR": ([("podCIDR: 172.21.0.0/16", "podCIDR: wide")], [(20, "clusters[1].podCIDR", "an IPv4 CIDR")]),
    "host bits": ([("172.21.0.0/16", "172.21.3.0/16")], [(20, "clusters[1].podCIDR", "expected 172.21.0.0/16")]),
    "no prefix": ([("10.69.0.0/16", "10.69.0.0")], [(21, "clusters[1].serviceCIDR", "a single address")]),
    "pod CIDRs overlap": (
        [("podCIDR: 172.21.0.0/16", "podCIDR: 172.20.0.0/16")],
        [(20, "clusters[1].podCIDR", "overlaps podCIDR of east")],
    ),
    "service in pods": (
        [("serviceCIDR: 10.69.0.0/16", "serviceCIDR: 172.20.128.0/17")],
        [(21, "clusters[1].serviceCIDR", "overlaps podCIDR of east")],
    ),
    "nodes in pods": (
        [("podCIDR: 172.21.0.0/16", "podCIDR: 192.168.0.0/16")],
        [(20, "clusters[1].podCIDR", "overlaps nodeNetwork")],
    ),
    "multicast": ([("172.21.0.0/16", "239.1.0.0/16")], [(20, "clusters[1].podCIDR", "can't be routed")]),
    "too small": (
        [("podCIDR: 172.20.0.0/16", "podCIDR: 172.20.0.0/24")],
        [(10, "clusters[0].podCIDR", "too small for 2 nodes")],
    ),
    "node pods outside": (
        [("podCIDR: 172.20.0.0/24", "podCIDR: 172.30.0.0/24")],
        [(15, "clusters[0].nodes[0].podCIDR", "outside podCIDR 172.20.0.0/16")],
    ),
    "node pods overlap": (
        [("address: 192.168.10.12", "address: 192.168.10.12, podCIDR: 172.20.0.128/25")],
        [(16, "clusters[0].nodes[1].podCIDR", "overlaps 172.20.0.0/24")],
    ),
    "shared network without pods": (
        [("    podCIDR: 172.21.0.0/16\n", ""), ("network: wan", "network: lan")],
        [(17, "clusters[1].podCIDR", "pods of lan are routed to and from east")],
    ),
    "two control planes": (
        [("address: 192.168.10.12", "address: 192.168.10.12, role: control-plane")],
        [(16, "clusters[0].nodes[1].role", "second control-plane beside east-1")],
    ),
    "old Istio": ([("1.31.0", "1.15.0")], [(3, "istio.version", "expected 1.11.x")]),
    "Istio is a number": ([('"1.31.0"', "1.31")], [(3, "istio.version", "expected text")]),
    "unknown provider": ([("type: sandbox", "type: cloud")], [(4, "provider.type", "'cloud'; expected sandbox")]),
    "k3s in the sandbox": (
        [("nodeNetwork", "kubernetes: {distribution: k3s}\nnodeNetwork")],
        [(5, "kubernetes.distribution", "expected embedded")],
    ),
    "port": ([("{type: sandbox}", "{type: ssh, ssh: {port: 70000}}")], [(4, "provider.ssh.port", "1 to 65535")]),
    "locality": ([("{region: r2}", "{zone: z2}")], [(23, "clusters[1].locality.region", "is missing")]),
    "label": ([("{region: r2}", "{region: r/2}")], [(23, "clusters[1].locality.region", "a label value")]),
    "four at once": (
        [("role: primary", "role: remote"), ("192.168.10.21", "none"), ("172.21.0.0/16", "1.2.3.4/8"), ("wan", "W")],
        [
            (6, "clusters", "no cluster is primary"),
            (19, "clusters[1].network", "lower-case"),
            (20, "clusters[1].podCIDR", "host bits"),
            (25, "clusters[1].nodes[0].address", "an IPv4 address"),
        ],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_every_problem_is_named_with_its_line(name: str) -> None:
    edits, expected = BROKEN[name]
    text = GOOD
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(InvalidInput) as caught:
        parse(text, "topology.yaml")
    problems = caught.value.problems
    for line, where, words in expected:
        assert any((p.line, p.where) == (line, where) and words in p.message for p in problems), problems
    assert len(problems) == len(expected), problems


def test_the_unbroken_topology_is_valid() -> None:
    assert [cluster.name for cluster in parse(GOOD, "topology.yaml").clusters] == ["east", "west"]
