"""Which of a pod's packets leave under its node's address."""

from __future__ import annotations

from ipaddress import IPv4Network

from meshctl.sandbox.kubelet.masquerade import hosts, script

ROUTES = '[{"dst": "10.68.0.0", "scope": "link"}, {"dst": "192.168.229.0/24", "protocol": "kernel"}]'


def test_packets_to_hosts_are_masqueraded_and_those_to_other_pods_are_not() -> None:
    text = script(IPv4Network("172.20.1.0/24"), hosts(ROUTES))
    assert "ip saddr 172.20.1.0/24 ip daddr 192.168.229.0/24 masquerade" in text
    assert text.count(" masquerade\n") == 1


def test_a_node_without_pods_masquerades_nothing() -> None:
    assert " masquerade\n" not in script(None, "192.168.229.0/24")
    assert " masquerade\n" not in script(IPv4Network("172.20.1.0/24"), hosts(""))
