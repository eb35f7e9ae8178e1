"""Topologies of any size to measure growth on."""

from __future__ import annotations

from ipaddress import IPv4Address

HEADER = """\
apiVersion: meshctl/v1
name: {name}
nodeNetwork: 192.168.0.0/16
clusters:
"""
CLUSTER = """\
  - name: c{number}
    role: {role}
    network: network{network}
    podCIDR: {pods}/20
    serviceCIDR: {services}/24
    gateway: {gateway}
    locality: {{region: r{number}}}
    nodes:
"""
FIRST_NODE = IPv4Address("192.168.1.1")
FIRST_GATEWAY = IPv4Address("192.168.200.1")


def text(clusters: int, nodes: int, name: str = "bench") -> str:
    """A topology.yaml of `clusters` clusters with `nodes` nodes each, two clusters on a network."""
    return HEADER.format(name=name) + "".join(_cluster(number, nodes) for number in range(clusters))


def _cluster(number: int, nodes: int) -> str:
    head = CLUSTER.format(
        number=number,
        role="primary" if number == 0 else "remote",
        network=number // 2,
        pods=IPv4Address("172.16.0.0") + number * 4096,
        services=IPv4Address("10.96.0.0") + number * 256,
        gateway=FIRST_GATEWAY + number,
    )
    lines = (
        f"      - {{name: c{number}-n{n + 1}, address: {FIRST_NODE + number * nodes + n}}}\n" for n in range(nodes)
    )
    return head + "".join(lines)
