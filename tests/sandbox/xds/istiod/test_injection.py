"""Which pods get a proxy, and what they get."""

from __future__ import annotations

from typing import Any

import pytest

from meshctl.sandbox.xds.istiod import injection
from meshctl.sandbox.xds.istiod.injection import Site

Object = dict[str, Any]
SITE = Site("cluster1", "network1", "mesh1", proxy_config={"discoveryAddress": "istiod.istio-system.svc:15012"})


def pod(labels: Object | None = None, annotations: Object | None = None, **spec: Any) -> Object:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "details-v1-5d8", "controller": True}
    meta = {
        "generateName": "details-v1-5d8-",
        "labels": {"app": "details", "version": "v1", "pod-template-hash": "5d8", **(labels or {})},
        "annotations": annotations or {},
        "ownerReferences": [owner],
    }
    app = {"name": "details", "image": "details", "ports": [{"containerPort": 9080}]}
    return {"metadata": meta, "spec": {"containers": [app], **spec}}


def patched(item: Object) -> dict[str, Any]:
    return {change["path"]: change["value"] for change in injection.patch(item, "istio", SITE)}


def proxy(found: dict[str, Any]) -> Object:
    (one,) = (container for container in found["/spec/containers"] if container["name"] == "istio-proxy")
    made: Object = one
    return made


@pytest.mark.parametrize(
    ("item", "namespace", "wanted"),
    [
        (pod(), "istio", True),
        (pod({"sidecar.istio.io/inject": "false"}), "istio", False),
        (pod(annotations={"sidecar.istio.io/inject": "false"}), "istio", False),
        (pod({"sidecar.istio.io/inject": "true"}, {"sidecar.istio.io/inject": "false"}), "istio", True),
        (pod(hostNetwork=True), "istio", False),
        (pod(), "kube-system", False),
    ],
)
def test_who_gets_one(item: Object, namespace: str, wanted: bool) -> None:
    assert injection.required(item, namespace) is wanted


def test_sidecar_knows_its_place() -> None:
    found = patched(pod())
    stated = {one["name"]: one.get("value") for one in proxy(found)["env"]}
    wanted = {
        "ISTIO_META_CLUSTER_ID": "cluster1",
        "ISTIO_META_NETWORK": "network1",
        "ISTIO_META_WORKLOAD_NAME": "details-v1",
        "ISTIO_META_OWNER": "kubernetes://apis/apps/v1/namespaces/istio/deployments/details-v1",
        "ISTIO_META_MESH_ID": "mesh1",
    }
    assert stated.items() >= wanted.items()
    assert found["/metadata/labels"]["security.istio.io/tlsMode"] == "istio"
    assert found["/metadata/labels"]["service.istio.io/canonical-revision"] == "v1"
    assert [one["name"] for one in found["/spec/initContainers"]] == ["istio-init"]


def test_capture_obeys_annotations() -> None:
    annotations = {
        "traffic.sidecar.istio.io/excludeInboundPorts": "9090",
        "traffic.sidecar.istio.io/includeOutboundIPRanges": "10.0.0.0/8",
    }
    arguments = patched(pod(annotations=annotations))["/spec/initContainers"][0]["args"]
    assert arguments[arguments.index("-d") + 1] == "15090,15021,9090,15020"
    assert arguments[arguments.index("-i") + 1] == "10.0.0.0/8"


def test_gateway_keeps_what_it_states() -> None:
    own = {"name": "istio-proxy", "image": "auto", "env": [{"name": "ISTIO_META_REQUESTED_NETWORK_VIEW", "value": "n"}]}
    found = patched(pod(annotations={"inject.istio.io/templates": "gateway"}, containers=[own]))
    made = proxy(found)
    assert made["args"][:2] == ["proxy", "router"]
    assert made["image"] == SITE.image
    assert {"name": "ISTIO_META_REQUESTED_NETWORK_VIEW", "value": "n"} in made["env"]
    assert "/spec/initContainers" not in found


def test_injected_twice_is_injected_once() -> None:
    assert injection.patch(pod(annotations={"sidecar.istio.io/status": "{}"}), "istio", SITE) == []


def test_wrong_annotation_is_named() -> None:
    with pytest.raises(ValueError, match=r"proxy\.istio\.io/config"):
        injection.patch(pod(annotations={"proxy.istio.io/config": "[1]"}), "istio", SITE)
