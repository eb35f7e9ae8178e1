"""Kubernetes objects as services, workloads, endpoints and gateways (Istio serviceregistry/kube)."""

from __future__ import annotations

from typing import Any

import pytest

from meshctl.sandbox.xds import kubernetes, protocol
from meshctl.sandbox.xds.configs import ConfigStore
from meshctl.sandbox.xds.kubernetes import ClusterRegistry
from meshctl.sandbox.xds.mesh_config import MeshConfig
from meshctl.sandbox.xds.proxy import Proxy, ProxyType
from meshctl.sandbox.xds.registry import Registry, merge
from meshctl.sandbox.xds.service import Resolution
from tests.sandbox.xds.recordings import Json

HOST = "web.shop.svc.cluster.local"


def thing(kind: str, name: str, namespace: str | None = "shop", **fields: Any) -> Json:
    meta = {"name": name, **({"namespace": namespace} if namespace else {}), **fields.pop("metadata", {})}
    api = "discovery.k8s.io/v1" if kind == "EndpointSlice" else "v1"
    return {"apiVersion": api, "kind": kind, "metadata": meta, **fields}


def service(name: str = "web", **spec: Any) -> Json:
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    return thing("Service", name, spec={"clusterIP": "10.0.0.9", "selector": {"app": name}, "ports": ports, **spec})


def pod(name: str = "web-1", address: str = "10.1.0.1", *, labels: Json | None = None, **fields: Any) -> Json:
    meta = {"labels": {"app": "web", **(labels or {})}, **fields.pop("metadata", {})}
    status = {"podIP": address, "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    spec = {"nodeName": "node", "serviceAccountName": "web", **fields.pop("spec", {})}
    return thing("Pod", name, metadata=meta, spec=spec, status={**status, **fields})


def slice_of(*endpoints: Json, name: str = "web-1", **fields: Any) -> Json:
    labels = {"labels": {"kubernetes.io/service-name": "web"}}
    ports = [{"name": "http", "port": 8080}]
    return thing(
        "EndpointSlice", name, metadata=labels, **{"addressType": "IPv4", "ports": ports, **fields}, endpoints=endpoints
    )


def endpoint(address: str = "10.1.0.1", pod_name: str | None = "web-1", conditions: Json | None = None) -> Json:
    ref = {"targetRef": {"kind": "Pod", "name": pod_name, "namespace": "shop"}} if pod_name else {}
    return {"addresses": [address], "conditions": conditions or {"ready": True}, **ref}


def read(*objects: Json, name: str = "c1") -> ClusterRegistry:
    return kubernetes.read(name, objects, MeshConfig())


NODE = thing(
    "Node",
    "node",
    None,
    metadata={"labels": {"topology.kubernetes.io/region": "r", "topology.kubernetes.io/zone": "z"}},
)
SYSTEM = thing("Namespace", "istio-system", None, metadata={"labels": {"topology.istio.io/network": "n1"}})


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        ({"port": 80, "name": "http"}, "HTTP"),
        ({"port": 80, "name": "http-web"}, "HTTP"),
        ({"port": 80, "name": "httpweb"}, "UnsupportedProtocol"),
        ({"port": 80, "name": "HTTP2"}, "HTTP2"),
        ({"port": 80, "name": "grpc-web-x"}, "GRPC-Web"),
        ({"port": 80, "name": "grpc"}, "GRPC"),
        ({"port": 443, "name": "https-x"}, "HTTPS"),
        ({"port": 80}, "UnsupportedProtocol"),
        ({"port": 3306, "name": "db"}, "TCP"),
        ({"port": 53, "name": "dns", "protocol": "UDP"}, "UDP"),
        ({"port": 80, "name": "tcp-x", "appProtocol": "http"}, "HTTP"),
        ({"port": 80, "name": "x", "appProtocol": "kubernetes.io/h2c"}, "HTTP2"),
        ({"port": 80, "name": "x", "appProtocol": "kubernetes.io/wss"}, "HTTPS"),
    ],
)
def test_a_port_speaks_what_its_name_or_application_protocol_says(port: Json, expected: str) -> None:
    assert protocol.of_service_port(port).value == expected


@pytest.mark.parametrize(
    ("spec", "resolution", "address"),
    [
        ({}, Resolution.CLIENT_SIDE, "10.0.0.9"),
        ({"clusterIP": "None"}, Resolution.PASSTHROUGH, "0.0.0.0"),
        ({"type": "ExternalName", "externalName": "a.b", "clusterIP": ""}, Resolution.ALIAS, "0.0.0.0"),
    ],
)
def test_a_services_kind_decides_how_it_is_resolved(spec: Json, resolution: Resolution, address: str) -> None:
    found = next(s for s in read(service(**spec)).services if s.name == "web")
    assert (found.resolution, found.default_address) == (resolution, address)


def test_the_api_servers_own_service_is_supposed() -> None:
    found = read(service(clusterIP="10.69.3.232")).services
    assert [(s.hostname, s.default_address) for s in found if s.name == "kubernetes"] == [
        ("kubernetes.default.svc.cluster.local", "10.69.0.1")
    ]
    given = thing("Service", "kubernetes", "default", spec={"clusterIP": "10.0.0.1", "ports": []})
    assert [s.default_address for s in read(given).services] == ["10.0.0.1"]


@pytest.mark.parametrize(
    ("conditions", "health"),
    [
        ({"ready": True}, "HEALTHY"),
        ({"ready": None}, "HEALTHY"),
        ({"ready": False, "terminating": False}, "UNHEALTHY"),
        ({"ready": False, "terminating": True}, "TERMINATING"),
        ({"ready": False, "serving": True}, "TERMINATING"),
    ],
)
def test_conditions_decide_an_endpoints_health(conditions: Json, health: str) -> None:
    (found,) = read(pod(), slice_of(endpoint(conditions=conditions))).endpoints[HOST]
    assert found.health.value == health


def test_an_endpoint_has_its_pods_identity_and_place() -> None:
    labels = {"security.istio.io/tlsMode": "istio"}
    (found,) = read(SYSTEM, NODE, pod(labels=labels), slice_of(endpoint())).endpoints[HOST]
    assert (found.network, found.locality, found.tls_mode, found.node) == ("n1", "r/z/", "istio", "node")
    assert found.service_account == "spiffe://cluster.local/ns/shop/sa/web"
    assert found.labels["topology.istio.io/cluster"] == "c1"
    assert found.labels["topology.istio.io/network"] == "n1"


def test_a_pods_own_labels_win_over_its_node_and_namespace() -> None:
    labels = {"istio-locality": "a.b.c", "topology.istio.io/network": "own"}
    (found,) = read(SYSTEM, NODE, pod(labels=labels), slice_of(endpoint())).endpoints[HOST]
    assert (found.locality, found.network) == ("a/b/c", "own")


def test_an_endpoint_that_names_an_unknown_pod_is_left_out_one_without_pod_is_not() -> None:
    found = read(SYSTEM, slice_of(endpoint(pod_name="gone"), endpoint("10.1.0.2", None))).endpoints[HOST]
    assert [(e.address, e.network, e.tls_mode, e.workload) for e in found] == [("10.1.0.2", "n1", "disabled", "")]


def test_an_address_in_two_slices_counts_once() -> None:
    found = read(pod(), slice_of(endpoint()), slice_of(endpoint(), name="web-2")).endpoints[HOST]
    assert len(found) == 1


def test_slices_of_names_are_not_endpoints() -> None:
    assert HOST not in read(slice_of(endpoint("a.b", None), addressType="FQDN")).endpoints


@pytest.mark.parametrize(
    ("kind", "owner", "labels", "name"),
    [
        ("ReplicaSet", "web-abc", {"pod-template-hash": "abc"}, "web"),
        ("StatefulSet", "web", {}, "web"),
        ("Job", "report-1234567890", {}, "report"),
        ("ReplicaSet", "web-abc", {"service.istio.io/workload-name": "mine"}, "mine"),
    ],
)
def test_a_workload_is_named_after_its_controller(kind: str, owner: str, labels: Json, name: str) -> None:
    meta = {"generateName": "x-", "ownerReferences": [{"kind": kind, "name": owner, "controller": True}]}
    made = pod(metadata={**meta, "labels": labels})
    assert [w.name for w in read(made).workloads] == [name]


def test_pods_that_ended_or_have_no_address_are_none() -> None:
    assert read(pod(phase="Succeeded"), pod("new", podIP="")).workloads == ()


def gateway(**fields: Any) -> Json:
    ports = [{"name": "tls", "port": fields.pop("port", 15443)}]
    labels = {"topology.istio.io/network": "n1", **fields.pop("labels", {})}
    spec = {"clusterIP": "10.0.0.2", "ports": ports, "type": "LoadBalancer", **fields.pop("spec", {})}
    return thing("Service", "ew", "istio-system", metadata={"labels": labels}, spec=spec, **fields)


def addresses(*objects: Json) -> list[tuple[str, int]]:
    found = read(*objects).gateways.values()
    return [(g.address, g.port) for group in found for g in group]


def test_a_labelled_service_with_addresses_is_a_networks_gateway() -> None:
    status = {"loadBalancer": {"ingress": [{"ip": "1.1.1.1"}, {"hostname": "lb.example"}]}}
    assert addresses(gateway(spec={"externalIPs": ["2.2.2.2"]}, status=status)) == [
        ("1.1.1.1", 15443),
        ("2.2.2.2", 15443),
    ]
    assert addresses(gateway()) == []


def test_a_gateways_port_must_exist_and_may_be_another() -> None:
    external = {"externalIPs": ["2.2.2.2"]}
    assert addresses(gateway(spec=external, port=443)) == []
    other = {"networking.istio.io/gatewayPort": "443"}
    assert addresses(gateway(spec=external, port=443, labels=other)) == [("2.2.2.2", 443)]


def registry(*clusters: ClusterRegistry) -> Registry:
    return merge(clusters, ConfigStore({}), MeshConfig(), "c1")


def test_one_host_in_several_clusters_is_one_service() -> None:
    merged = registry(read(service()), read(service(clusterIP="10.9.0.9"), name="c2"))
    (found,) = merged.by_host[HOST]
    assert [found.address_for(cluster) for cluster in ("c1", "c2", "c3")] == ["10.0.0.9", "10.9.0.9", "10.0.0.9"]


def test_a_host_of_a_remote_cluster_alone_has_that_clusters_address() -> None:
    merged = registry(read(), read(service(clusterIP="10.9.0.9"), name="c2"))
    assert merged.by_host[HOST][0].address_for("c1") == "10.9.0.9"


def alias(name: str, target: str) -> Json:
    return service(name, type="ExternalName", externalName=target, clusterIP="")


def test_external_names_lead_to_their_service_through_several_steps() -> None:
    one, two, itself = (f"{name}.shop.svc.cluster.local" for name in ("one", "two", "self"))
    found = registry(read(service(), alias("one", HOST), alias("two", one), alias("self", itself)))
    assert found.by_host[HOST][0].aliases == (one, two)


def sidecar(address: str = "10.1.0.1", **labels: str) -> Proxy:
    return Proxy("web-1", ProxyType.SIDECAR, "shop", "c1", address, labels=labels)


def test_a_workload_serves_what_selects_it_each_port_once() -> None:
    ports = [{"name": "http", "port": 80, "targetPort": 8080}, {"name": "http-2", "port": 81, "targetPort": 8080}]
    merged = registry(read(service(ports=ports), pod()))
    assert [(t.port.number, t.target_port) for t in merged.targets(sidecar())] == [(80, 8080)]


def test_a_named_target_port_is_looked_up_in_the_pod() -> None:
    ports = [{"name": "http", "port": 80, "targetPort": "web"}]
    containers = {"containers": [{"ports": [{"name": "web", "containerPort": 9000}]}]}
    merged = registry(read(service(ports=ports), pod(spec=containers)))
    assert [t.target_port for t in merged.targets(sidecar())] == [9000]


def test_a_proxy_whose_pod_is_not_known_is_found_by_its_labels() -> None:
    assert [t.service.name for t in registry(read(service())).targets(sidecar(app="web"))] == ["web"]


def test_a_service_without_selector_finds_the_workload_among_its_endpoints() -> None:
    merged = registry(read(service(selector={}), pod(), slice_of(endpoint())))
    assert [(t.service.name, t.target_port) for t in merged.targets(sidecar())] == [("web", 8080)]


@pytest.mark.parametrize(
    ("host", "settings", "local"),
    [
        ("dns.kube-system.svc.cluster.local", [], True),
        ("kubernetes.default.svc.cluster.local", [], True),
        ("istiod.istio-system.svc.cluster.local", [], True),
        (HOST, [], False),
        (HOST, [{"settings": {"clusterLocal": True}, "hosts": ["*.shop.svc.cluster.local"]}], True),
        ("dns.kube-system.svc.cluster.local", [{"hosts": ["*.kube-system.svc.cluster.local"]}], False),
    ],
)
def test_some_hosts_stay_in_their_cluster(host: str, settings: list[Json], local: bool) -> None:
    config = MeshConfig(service_settings=tuple(settings))
    assert merge((), ConfigStore({}), config, "c1").is_cluster_local(host) is local
