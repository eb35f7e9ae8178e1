"""A node's nftables rules for Services."""

from __future__ import annotations

import re
from typing import Any

from meshctl.sandbox.controllers.services import external, ports, ruleset
from meshctl.sandbox.controllers.services.ports import Endpoint
from meshctl.sandbox.controllers.services.ruleset import Place
from tests.sandbox.controllers.services.objects import HTTP, Object, backed, service

PLACE = Place("n1", "192.168.229.137", "172.20.1.0/24", "10.68.0.0/16")
TWO = (("172.20.1.2", "n1"), ("172.20.2.2", "n2"))


def rules(*found: Object, place: Place = PLACE) -> str:
    """The script for Services and slices."""
    services = [one for one in found if "spec" in one]
    return ruleset.script(ports.of(services, [one for one in found if "spec" not in one]), place)


def block(script: str, name: str) -> str:
    """The body of a chain, map or set."""
    found = re.search(rf"^  \w+ {re.escape(name)} \{{\n(.*?)^  \}}$", script, re.MULTILINE | re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def test_a_cluster_address_leads_to_one_of_the_ready_endpoints() -> None:
    script = rules(service(), backed(service(), *TWO))
    assert "10.68.0.20 . tcp . 80 : goto inside/shop/web/tcp/80" in block(script, "services")
    assert block(script, "inside/shop/web/tcp/80") == (
        "ip saddr != 172.20.1.0/24 meta mark set meta mark or 0x4000 meta l4proto tcp dnat to "
        "numgen random mod 2 map { 0 : 172.20.1.2 . 8080, 1 : 172.20.2.2 . 8080 }"
    )


def test_endpoints_that_are_not_ready_get_nothing() -> None:
    script = rules(service(), backed(service(), *TWO[:1]), backed(service(), *TWO[1:], ready=False))
    assert block(script, "inside/shop/web/tcp/80").endswith("dnat to 172.20.1.2:8080")


def test_the_last_endpoints_serve_while_they_go() -> None:
    going = backed(service(), *TWO[:1], ready=False, serving=True, terminating=True)
    assert block(rules(service(), going), "inside/shop/web/tcp/80").endswith("dnat to 172.20.1.2:8080")


def test_without_endpoints_a_connection_is_refused() -> None:
    script = rules(service(type="NodePort"), place=PLACE)
    assert "10.68.0.20 . tcp . 80 : goto refused" in block(script, "unserved-services")
    assert block(script, "refused") == "reject"
    assert "elements" not in block(script, "services")


def test_a_node_port_is_the_nodes_own_address_and_masqueraded() -> None:
    made = service("web", {**HTTP, "nodePort": 30080}, type="NodePort")
    script = rules(made, backed(made, *TWO[:1]))
    assert "tcp . 30080 : goto outside/shop/web/tcp/80" in block(script, "node-ports")
    assert block(script, "outside/shop/web/tcp/80").startswith("meta mark set meta mark or 0x4000")
    assert "ip daddr 192.168.229.137 meta l4proto . th dport vmap @node-ports" in block(script, "dispatch")


def test_an_external_address_leads_to_the_service_on_every_node() -> None:
    made = service(externalIPs=["192.168.229.100"])
    script = rules(made, backed(made, *TWO))
    assert "192.168.229.100 . tcp . 80 : goto outside/shop/web/tcp/80" in block(script, "services")


def test_an_external_address_that_two_services_claim_is_the_firsts() -> None:
    first, second = service("a", externalIPs=["192.168.229.100"]), service("b", externalIPs=["192.168.229.100"])
    script = rules(second, first, backed(first, *TWO), backed(second, *TWO))
    assert block(script, "services").count("192.168.229.100") == 1
    assert "192.168.229.100 . tcp . 80 : goto outside/shop/a/tcp/80" in block(script, "services")


def test_a_local_external_policy_keeps_clients_and_drops_where_nobody_serves() -> None:
    made = service(externalIPs=["192.168.229.100"], externalTrafficPolicy="Local")
    script = rules(made, backed(made, *TWO))
    assert block(script, "outside/shop/web/tcp/80") == "meta l4proto tcp dnat to 172.20.1.2:8080"
    elsewhere = rules(made, backed(made, *TWO[1:]))
    assert "192.168.229.100 . tcp . 80 : drop" in block(elsewhere, "unserved-services")
    assert "inside/shop/web/tcp/80" in block(elsewhere, "services")


def test_the_same_node_is_preferred_while_it_serves() -> None:
    made = service(trafficDistribution="PreferSameNode")
    assert block(rules(made, backed(made, *TWO)), "inside/shop/web/tcp/80").endswith("dnat to 172.20.1.2:8080")
    assert block(rules(made, backed(made, *TWO[1:])), "inside/shop/web/tcp/80").endswith("dnat to 172.20.2.2:8080")


def test_session_affinity_follows_the_clients_address() -> None:
    made = service(sessionAffinity="ClientIP")
    assert "jhash ip saddr mod 2 map" in block(rules(made, backed(made, *TWO)), "inside/shop/web/tcp/80")


def test_a_pod_that_calls_its_own_service_is_masqueraded() -> None:
    assert "172.20.1.2 . 172.20.1.2" in block(rules(service(), backed(service(), *TWO)), "hairpins")


def test_ports_find_endpoints_by_name_and_protocol() -> None:
    dns: list[Object] = [{"name": "dns", "port": 53, "protocol": one} for one in ("UDP", "TCP")]
    dns[1]["name"] = "dns-tcp"
    made = service("web", *dns)
    script = rules(made, backed(made, *TWO[:1]))
    assert "meta l4proto udp dnat to 172.20.1.2:8080" in block(script, "inside/shop/web/udp/53")
    assert "meta l4proto tcp dnat to 172.20.1.2:8080" in block(script, "inside/shop/web/tcp/53")


def test_addresses_of_the_other_family_are_left_out() -> None:
    made = service(externalIPs=["fd00::1", "192.168.229.100"])
    script = rules(made, backed(made, ("fd00::2", "n1"), *TWO[:1]))
    assert "fd00" not in script
    assert "192.168.229.100 . tcp . 80" in block(script, "services")


def test_headless_and_external_names_have_no_rules() -> None:
    headless, alias = service(clusterIP="None"), service("b", type="ExternalName", clusterIP=None)
    assert "shop" not in rules(headless, alias, backed(headless, *TWO))


def test_unknown_addresses_of_the_service_network_lead_nowhere() -> None:
    assert block(rules(service()), "unserved").endswith("ip daddr @cluster-addresses reject ip daddr 10.68.0.0/16 drop")


def _port(**more: Any) -> ports.ServicePort:
    endpoints = (Endpoint("172.20.2.2", 80, "n2"), Endpoint("172.20.3.2", 80, "n3", ready=False))
    return ports.ServicePort("a/b", "tcp", 80, "10.68.0.20", ("192.168.229.100",), endpoints=endpoints, **more)


def test_the_first_node_holds_an_external_address() -> None:
    assert external.holders([_port()], ["n1", "n2"]) == {"192.168.229.100": "n1"}
    assert external.holders([_port()], []) == {}


def test_a_local_policy_wants_a_node_that_serves() -> None:
    assert external.holders([_port(), _port(outside="Local")], ["n1", "n2", "n3"]) == {"192.168.229.100": "n2"}


LINK = [
    {},
    {
        "address": "02:00:c0:a8:e5:89",
        "addr_info": [
            {"family": "inet6", "local": "fe80::c0ff:fea8:e589", "prefixlen": 64},
            {"family": "inet", "local": "192.168.229.137", "prefixlen": 24, "label": "eth0"},
            {"family": "inet", "local": "192.168.229.100", "prefixlen": 32, "label": "eth0:external"},
        ],
    },
]


def test_only_free_addresses_of_the_nodes_network_are_held() -> None:
    there = external.link(LINK)
    assert there.held == {"192.168.229.100"}
    wanted = ["192.168.229.101", "192.168.229.255", "192.168.229.138", "203.0.113.9"]
    assert external.holdable(wanted, there, ["192.168.229.137", "192.168.229.138"]) == {"192.168.229.101"}
