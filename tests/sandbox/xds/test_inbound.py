"""Clusters from a sidecar to its application (Istio networking/core buildInboundClusters)."""

from __future__ import annotations

from typing import Any

from tests.sandbox.xds import recordings
from tests.sandbox.xds.recordings import SIDECAR, Json, built, http_options, istio, rule


def sidecar(ingress: list[Json], **spec: Any) -> Json:
    return istio("Sidecar", "default", {"ingress": ingress, "egress": [{"hosts": ["*/*"]}], **spec})


def listener(number: int, endpoint: str = "", **given: Any) -> Json:
    port = {"number": number, "protocol": "HTTP", "name": "http"}
    return {"port": port, **({"defaultEndpoint": endpoint} if endpoint else {}), **given}


def inbound(*added: Json, settings: Json | None = None) -> dict[str, Json]:
    found = built(recordings.with_objects(*added, settings=settings), SIDECAR)
    return {name: cluster for name, cluster in found.items() if name.startswith("inbound|")}


def address(cluster: Json) -> Json:
    (group,) = cluster["load_assignment"]["endpoints"]
    found: Json = group["lb_endpoints"][0]["endpoint"]["address"]
    return found


def test_a_sidecars_listeners_replace_the_services_ports() -> None:
    found = inbound(sidecar([listener(8000, "127.0.0.1:9000"), listener(8001, "0.0.0.0:9001"), listener(9080)]))
    assert found.keys() == {"inbound|8000||", "inbound|8001||", "inbound|9080||"}
    loopback, own_address, same = (found[name] for name in sorted(found))
    assert address(loopback) == {"socket_address": {"address": "127.0.0.1", "port_value": 9000}}
    assert "upstream_bind_config" not in loopback
    assert address(own_address) == {"socket_address": {"address": "172.20.2.10", "port_value": 9001}}
    assert own_address["upstream_bind_config"]["source_address"]["address"] == "127.0.0.6"
    assert same["type"] == "ORIGINAL_DST"


def test_a_listener_may_lead_to_a_socket_file() -> None:
    found = inbound(sidecar([listener(8000, "unix:///run/app.sock")]))
    assert address(found["inbound|8000||"]) == {"pipe": {"path": "/run/app.sock"}}


def test_a_listeners_connection_pool_wins_over_the_sidecars_and_that_over_the_rules() -> None:
    def pool(size: int) -> Json:
        return {"tcp": {"maxConnections": size}}

    added = rule({"trafficPolicy": {"connectionPool": pool(1)}})
    ports = [listener(9080, connectionPool=pool(3)), listener(8000)]
    found = inbound(added, sidecar(ports, inboundConnectionPool=pool(2)))
    sizes = {name: c["circuit_breakers"]["thresholds"][0]["max_connections"] for name, c in found.items()}
    assert sizes == {"inbound|9080||": 3, "inbound|8000||": 2}
    (threshold,) = inbound(added)["inbound|9080||"]["circuit_breakers"]["thresholds"]
    assert threshold["max_connections"] == 1


def test_a_mesh_may_send_everything_to_the_loopback() -> None:
    found = inbound(settings={"inboundTrafficPolicy": {"mode": "LOCALHOST"}})["inbound|9080||"]
    assert (found["type"], address(found)["socket_address"]["address"]) == ("STATIC", "127.0.0.1")


def service(name: str, port: Json) -> Json:
    spec = {"clusterIP": "10.68.8.8", "selector": {"app": "productpage"}, "ports": [{"targetPort": 9090, **port}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "istio"}, "spec": spec}


def test_services_of_one_port_share_its_cluster() -> None:
    found = inbound(service("admin", {"name": "http", "port": 90}), service("also", {"name": "http", "port": 90}))
    named = found["inbound|9090||"]["metadata"]["filter_metadata"]["istio"]["services"]
    assert [entry["name"] for entry in named] == ["admin", "also"]


def test_an_undeclared_protocol_follows_the_client() -> None:
    found = inbound(service("admin", {"port": 90}))["inbound|9090||"]
    assert "use_downstream_protocol_config" in http_options(found)
    grpc = inbound(service("admin", {"name": "grpc", "port": 90}))["inbound|9090||"]
    assert http_options(grpc)["explicit_http_config"] == {"http2_protocol_options": {}}


def test_an_upgrade_of_the_rule_stays_at_the_client() -> None:
    found = inbound(rule({"trafficPolicy": {"connectionPool": {"http": {"h2UpgradePolicy": "UPGRADE"}}}}))
    assert "typed_extension_protocol_options" not in found["inbound|9080||"]
