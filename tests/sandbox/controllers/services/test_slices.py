"""EndpointSlices and Endpoints of a Service."""

from __future__ import annotations

from meshctl.sandbox.controllers.services import mirroring, slices, subsets
from tests.sandbox.controllers.services.objects import HTTP, Object, pod, service

ZONES = {"n1": "z1", "n2": ""}


def test_an_endpoint_tells_pod_node_zone_and_conditions() -> None:
    (made,) = slices.wanted(service(), [pod("a", "172.20.0.2")], ZONES)
    assert made["endpoints"] == [
        {
            "addresses": ["172.20.0.2"],
            "conditions": {"ready": True, "serving": True, "terminating": False},
            "nodeName": "n1",
            "zone": "z1",
            "targetRef": {"kind": "Pod", "namespace": "shop", "name": "a", "uid": "uid-a"},
        }
    ]
    assert made["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]


def test_a_slice_belongs_to_its_service() -> None:
    (made,) = slices.wanted(service(), [], ZONES)
    metadata = made["metadata"]
    assert metadata["labels"] == {
        "team": "a",
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    assert [(one["kind"], one["uid"], one["controller"]) for one in metadata["ownerReferences"]] == [
        ("Service", "uid-web", True)
    ]
    assert metadata["name"].startswith("web-")
    assert len(metadata["name"]) == len("web-xxxxx")


def test_the_same_service_gets_the_same_names_and_another_of_its_name_does_not() -> None:
    first, again = (slices.wanted(service(), [], ZONES)[0]["metadata"]["name"] for _ in range(2))
    other = service()
    other["metadata"]["uid"] = "another"
    assert first == again != slices.wanted(other, [], ZONES)[0]["metadata"]["name"]


def test_without_pods_an_empty_slice_stays() -> None:
    (made,) = slices.wanted(service(), [], ZONES)
    assert (made["endpoints"], made["ports"]) == ([], [])


def test_a_pod_that_goes_is_terminating_and_not_ready() -> None:
    (made,) = slices.wanted(service(), [pod("a", "172.20.0.2", going=True)], ZONES)
    assert made["endpoints"][0]["conditions"] == {"ready": False, "serving": True, "terminating": True}


def test_publish_not_ready_addresses_makes_ready() -> None:
    (made,) = slices.wanted(
        service(publishNotReadyAddresses=True), [pod("a", "172.20.0.2", ready=False, going=True)], ZONES
    )
    assert made["endpoints"][0]["conditions"] == {"ready": True, "serving": False, "terminating": True}


def test_pods_that_ended_have_no_address_or_other_labels_are_left_out() -> None:
    ended, young, other = pod("a", "172.20.0.2"), pod("b", ""), pod("c", "172.20.0.3")
    ended["status"]["phase"] = "Succeeded"
    other["metadata"]["labels"] = {"app": "other"}
    assert slices.wanted(service(), [ended, young, other], ZONES)[0]["endpoints"] == []


def test_named_ports_are_each_pods_own() -> None:
    named = {"name": "http", "port": 80, "targetPort": "web"}
    old = pod("a", "172.20.0.2", containers=[{"ports": [{"name": "web", "containerPort": 8080}]}])
    new = pod("b", "172.20.0.3", containers=[{"ports": [{"name": "web", "containerPort": 9090}]}])
    made = slices.wanted(service("web", named), [old, new], ZONES)
    assert [(one["ports"][0]["port"], one["endpoints"][0]["addresses"]) for one in made] == [
        (8080, ["172.20.0.2"]),
        (9090, ["172.20.0.3"]),
    ]
    assert len({one["metadata"]["name"] for one in made}) == 2


def test_a_port_of_another_protocol_does_not_count() -> None:
    named = {"name": "dns", "port": 53, "targetPort": "dns", "protocol": "UDP"}
    one = pod("a", "172.20.0.2", containers=[{"ports": [{"name": "dns", "containerPort": 53, "protocol": "TCP"}]}])
    assert slices.wanted(service("web", named), [one], ZONES)[0]["ports"] == []


def test_a_sidecar_that_comes_first_may_have_the_port() -> None:
    named = {"name": "http", "port": 80, "targetPort": "web"}
    sidecar = {"restartPolicy": "Always", "ports": [{"name": "web", "containerPort": 15006}]}
    one = pod("a", "172.20.0.2", initContainers=[sidecar], containers=[{}])
    assert slices.wanted(service("web", named), [one], ZONES)[0]["ports"][0]["port"] == 15006


def test_many_endpoints_take_several_slices() -> None:
    pods = [pod(f"p{number}", f"172.20.{number // 200}.{number % 200 + 2}") for number in range(250)]
    made = slices.wanted(service(), pods, ZONES)
    assert [len(one["endpoints"]) for one in made] == [100, 100, 50]


def test_a_headless_service_is_labelled_and_names_its_pods() -> None:
    one = pod("a", "172.20.0.2", hostname="first", subdomain="web")
    (made,) = slices.wanted(service(clusterIP="None"), [one], ZONES)
    assert made["metadata"]["labels"]["service.kubernetes.io/headless"] == ""
    assert made["endpoints"][0]["hostname"] == "first"


def test_endpoints_list_ready_and_other_addresses_by_ports() -> None:
    pods = [pod("b", "172.20.0.10"), pod("a", "172.20.0.9"), pod("c", "172.20.0.3", ready=False)]
    (found,) = subsets.wanted(service(), pods)["subsets"]
    assert [one["ip"] for one in found["addresses"]] == ["172.20.0.9", "172.20.0.10"]
    assert [one["ip"] for one in found["notReadyAddresses"]] == ["172.20.0.3"]
    assert found["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]


def test_endpoints_leave_out_pods_that_go() -> None:
    assert subsets.wanted(service(), [pod("a", "172.20.0.2", going=True)])["subsets"] == []


def _written(**more: Object) -> Object:
    address = {"ip": "192.168.229.100"}
    subset = {"addresses": [address], "ports": [{"name": "tcp-istiod", "port": 15012}]}
    return {"metadata": {"name": "web", "namespace": "shop", "uid": "uid-e", **more}, "subsets": [subset]}


def test_endpoints_that_someone_wrote_become_slices() -> None:
    made = service("web", HTTP, selector=None)
    (found,) = mirroring.wanted(_written(), made)
    assert found["endpoints"][0]["addresses"] == ["192.168.229.100"]
    assert found["ports"] == [{"name": "tcp-istiod", "port": 15012, "protocol": "TCP"}]
    labels = found["metadata"]["labels"]
    assert labels["endpointslice.kubernetes.io/managed-by"] == "endpointslicemirroring-controller.k8s.io"
    assert found["metadata"]["ownerReferences"][0]["kind"] == "Endpoints"


def test_endpoints_of_a_selector_or_marked_are_not_mirrored() -> None:
    skipped = _written(labels={"endpointslice.kubernetes.io/skip-mirror": "true"})
    assert mirroring.wanted(_written(), service()) == []
    assert mirroring.wanted(skipped, service("web", HTTP, selector=None)) == []
