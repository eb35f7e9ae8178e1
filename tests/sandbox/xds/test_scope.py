"""What a proxy may see: exportTo and Sidecar (Istio model/sidecar.go, push_context.go)."""

from __future__ import annotations

from typing import Any

from meshctl.sandbox.xds import scope
from meshctl.sandbox.xds.mesh import Mesh
from meshctl.sandbox.xds.scope import Scope
from tests.sandbox.xds import recordings
from tests.sandbox.xds.recordings import INGRESS, SIDECAR, Json, istio


def seen(*added: Json, proxy: str = SIDECAR, settings: Json | None = None) -> Scope:
    mesh: Mesh = recordings.with_objects(*added, settings=settings)
    return scope.of(mesh, recordings.member(proxy))


def names(view: Scope) -> set[str]:
    return {service.name for service in view.services}


def sidecar(egress: list[Json], namespace: str = "istio", spec: Json | None = None) -> Json:
    return istio("Sidecar", "default", {"egress": egress, **(spec or {})}, namespace)


def entry(host: str, namespace: str, resolution: str = "STATIC", **meta: Any) -> Json:
    ports = [{"number": 80, "name": "http", "protocol": "HTTP"}]
    spec = {"hosts": [host], "ports": ports, "resolution": resolution}
    return istio("ServiceEntry", meta.pop("name", "entry"), {**spec, **meta.pop("spec", {})}, namespace, **meta)


ALL = {
    "details",
    "istio-eastwestgateway",
    "istio-egressgateway",
    "istio-ingressgateway",
    "istiod",
    "kubernetes",
    "my-nginx",
    "productpage",
    "ratings",
    "reviews",
    "sleep",
}


def test_without_a_sidecar_all_that_is_exported_is_seen() -> None:
    assert names(seen()) == ALL
    assert names(seen(proxy=INGRESS)) == ALL


def test_a_sidecar_imports_the_hosts_that_it_names() -> None:
    view = seen(sidecar([{"hosts": ["./*", "istio-system/istiod.istio-system.svc.cluster.local"]}]))
    assert names(view) == {"productpage", "details", "reviews", "ratings", "sleep", "istiod"}


def test_a_sidecar_leaves_out_what_it_excludes() -> None:
    view = seen(sidecar([{"hosts": ["./*", "~./details.istio.svc.cluster.local"]}]))
    assert names(view) == {"productpage", "reviews", "ratings", "sleep"}


def test_a_sidecar_of_chosen_workloads_comes_before_the_namespaces() -> None:
    chosen = istio(
        "Sidecar",
        "chosen",
        {
            "workloadSelector": {"labels": {"app": "productpage"}},
            "egress": [{"hosts": ["./reviews.istio.svc.cluster.local"]}],
        },
    )
    both = (sidecar([{"hosts": ["./details.istio.svc.cluster.local"]}]), chosen)
    assert names(seen(*both)) == {"reviews"}
    assert names(seen(*both, proxy="cluster1/istio/sleep")) == {"details"}


def test_the_root_namespaces_sidecar_is_everyones_who_has_none() -> None:
    root = sidecar([{"hosts": ["./*"]}], "istio-system")
    assert names(seen(root)) == {"productpage", "details", "reviews", "ratings", "sleep"}
    assert names(seen(root, proxy=INGRESS)) == ALL


def test_a_listeners_port_cuts_services_down_to_it() -> None:
    port = {"number": 443, "protocol": "TLS", "name": "tls"}
    view = seen(sidecar([{"port": port, "hosts": ["*/*"]}]))
    assert {p.number for service in view.services for p in service.ports} == {443}
    assert "details" not in names(view)


def test_a_virtual_services_destinations_are_seen_too() -> None:
    route = {"hosts": ["productpage"], "http": [{"route": [{"destination": {"host": "ratings"}}]}]}
    view = seen(sidecar([{"hosts": ["./productpage.istio.svc.cluster.local"]}]), istio("VirtualService", "v", route))
    assert names(view) == {"productpage", "ratings"}


def test_outbound_traffic_is_the_sidecars_or_the_meshs_to_allow() -> None:
    assert seen().outbound_mode == "ALLOW_ANY"
    closed = {"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}}
    assert seen(settings=closed).outbound_mode == "REGISTRY_ONLY"
    assert seen(sidecar([{"hosts": ["*/*"]}], spec=closed)).outbound_mode == "REGISTRY_ONLY"


def test_a_service_is_seen_where_it_is_exported_to() -> None:
    private = entry("a.example", "elsewhere", spec={"exportTo": ["."]})
    shared = entry("b.example", "elsewhere", name="b", spec={"exportTo": ["istio"]})
    nobody = entry("c.example", "istio", name="c", spec={"exportTo": ["~"]})
    added = (private, shared, nobody)
    assert names(seen(*added)) - ALL == {"b.example"}
    assert names(seen(*added, proxy=INGRESS)) - ALL == set()
    assert names(seen(entry("d.example", "elsewhere"), settings={"defaultServiceExportTo": ["."]})) - ALL == set()


def test_of_one_host_in_two_namespaces_a_sidecar_prefers_its_own() -> None:
    added = entry("x.example", "elsewhere"), entry("x.example", "istio", name="own")
    own = seen(*added).service("x.example")
    assert own is not None
    assert own.namespace == "istio"


def test_kubernetes_keeps_its_hosts_from_entries_of_other_namespaces() -> None:
    host = "details.istio.svc.cluster.local"
    for proxy in (SIDECAR, INGRESS):
        found = seen(entry(host, "istio-system"), proxy=proxy).service(host)
        assert found is not None
        assert found.kubernetes
