"""The network's commands, as text."""

from __future__ import annotations

from meshctl.sandbox import network
from meshctl.sandbox.wire import Fabric, Host, Pod

HOST = Host("a-host-with-a-name-too-long-for-an-interface", "192.168.229.137")
FABRIC = Fabric("192.168.229.1/24", (HOST,))


def test_the_fabric_is_a_bridge_with_the_fabrics_own_address() -> None:
    assert network.fabric(FABRIC).splitlines() == [
        "link set lo up",
        "link add mesh0 address 02:00:c0:a8:e5:01 type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
        "link set mesh0 up",
        "addr add 192.168.229.1/24 dev mesh0",
    ]


def test_a_host_is_plugged_into_the_bridge_and_addressed() -> None:
    assert network.cables([(HOST, 42)]).splitlines() == [
        "link add nc0a8e589 type veth peer name eth0 address 02:00:c0:a8:e5:89 netns /proc/42/ns/net",
        "link set nc0a8e589 master mesh0 up",
    ]
    assert network.host(FABRIC, HOST).splitlines()[-1] == "addr replace 192.168.229.137/24 brd + dev eth0"


def test_a_pod_sends_everything_to_its_node() -> None:
    pod = Pod("web", "n1", "172.20.0.5")
    assert "route replace 172.20.0.5/32 dev pac140005" in network.pod_cable(pod, 9)
    assert "route add default via 169.254.1.1 dev eth0" in network.pod(pod)
    assert f"lladdr {network.POD_GATEWAY_MAC}" in network.pod(pod)
    assert f"link add pac140005 address {network.POD_GATEWAY_MAC}" in network.pod_cable(pod, 9)


def test_interface_names_fit() -> None:
    assert len(network.port(Host("x", "255.255.255.254"))) <= 15
    assert len(network.pod_port(Pod("x", "n", "255.255.255.254"))) <= 15
