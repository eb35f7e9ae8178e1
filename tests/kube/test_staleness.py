"""Which pods have to be made anew after a mending."""

from __future__ import annotations

from typing import Any

from meshctl.kube.staleness import Expected, Live, changed, stale

Object = dict[str, Any]
REGION = "topology.kubernetes.io/region"
WANTED = Expected("cluster2", "network2", {REGION: "east"}, "PEM")
EARLY, NOON, LATE = "2026-01-01T11:00:00Z", "2026-01-01T12:00:00Z", "2026-01-01T13:00:00Z"


def owned(time: str, fields: Object, **entry: Any) -> Object:
    return {"manager": "meshctl", "time": time, "fieldsV1": fields, **entry}


def node(*entries: Object) -> Object:
    return {"metadata": {"name": "n1", "labels": {REGION: "east"}, "managedFields": list(entries)}}


def labelled(time: str, **entry: Any) -> Object:
    return owned(time, {"f:metadata": {"f:labels": {f"f:{REGION}": {}}}}, **entry)


def pod(*containers: str, born: str = NOON, **more: Any) -> Object:
    metadata = {"name": "p", "namespace": "istio", "creationTimestamp": born, **more.pop("metadata", {})}
    env = {"ISTIO_META_CLUSTER_ID": "cluster2", "ISTIO_META_NETWORK": "network2", **more.pop("env", {})}
    variables = [{"name": key, "value": value} for key, value in env.items()]
    spec = {"nodeName": "n1", "containers": [{"name": one, "env": variables} for one in containers]}
    running = [{"name": one, "state": {"running": {"startedAt": NOON}}} for one in containers]
    return {"metadata": metadata, "spec": spec, "status": {"containerStatuses": running}}


def reasons(*pods: Object, **more: Any) -> list[str]:
    live = {"nodes": [node(labelled(EARLY))], "namespaces": [], **more}
    return [reason for _, reason in stale(Live(list(pods), **live), WANTED)]


def holder(time: str, **metadata: Any) -> Object:
    return {"metadata": {"namespace": "istio", **metadata, "managedFields": [owned(time, {"f:data": {}})]}}


def test_a_pod_that_read_everything_as_it_is_now_stays() -> None:
    assert reasons(pod("app", "istio-proxy"), pod("discovery"), roots=[holder(NOON)], signing=holder(NOON)) == []


def test_a_proxy_that_is_older_than_its_nodes_labels_goes() -> None:
    (reason,) = reasons(pod("istio-proxy"), nodes=[node(labelled(LATE))])
    assert "labels of node n1" in reason


def test_a_proxy_goes_whose_nodes_labels_or_root_are_about_to_be_mended() -> None:
    wrong = node(labelled(EARLY))
    wrong["metadata"]["labels"][REGION] = "west"
    assert "labels of node n1" in reasons(pod("istio-proxy"), nodes=[wrong])[0]
    other = {**holder(EARLY), "data": {"root-cert.pem": "OTHER"}}
    assert reasons(pod("istio-proxy"), roots=[other]) == ["the mesh's root certificate changed"]


def test_a_heartbeat_is_no_change_of_labels() -> None:
    beat = labelled(LATE, subresource="status")
    other = owned(LATE, {"f:metadata": {"f:labels": {"f:kubernetes.io/hostname": {}}}})
    assert reasons(pod("istio-proxy"), nodes=[node(labelled(EARLY), beat, other)]) == []


def test_a_proxy_that_is_older_than_the_mesh_root_goes() -> None:
    assert reasons(pod("istio-proxy"), roots=[holder(LATE)]) == ["the mesh's root certificate changed"]
    assert reasons(pod("istio-proxy"), roots=[holder(LATE, namespace="other")]) == []


def test_a_proxy_that_waited_for_the_root_to_be_published_stays() -> None:
    assert reasons(pod("istio-proxy", born=EARLY), nodes=[], roots=[holder(NOON)]) == []


def test_an_istiod_that_is_older_than_its_certificates_goes() -> None:
    assert reasons(pod("discovery"), signing=holder(LATE)) == ["the signing certificates changed"]


def test_a_proxy_of_another_cluster_or_network_goes() -> None:
    assert "ISTIO_META_NETWORK=network1" in reasons(pod("istio-proxy", env={"ISTIO_META_NETWORK": "network1"}))[0]
    assert "ISTIO_META_CLUSTER_ID=x" in reasons(pod("istio-proxy", env={"ISTIO_META_CLUSTER_ID": "x"}))[0]


def test_a_pods_own_network_label_counts() -> None:
    own = {"labels": {"topology.istio.io/network": "network9"}}
    assert reasons(pod("istio-proxy", metadata=own, env={"ISTIO_META_NETWORK": "network9"})) == []


def test_a_pod_without_a_proxy_goes_where_there_should_be_one() -> None:
    injected = {"metadata": {"name": "istio", "labels": {"istio-injection": "enabled"}}}
    assert reasons(pod("app"), namespaces=[injected]) == ["its pods have no proxy"]
    unwilling = {"annotations": {"sidecar.istio.io/inject": "false"}}
    assert reasons(pod("app", metadata=unwilling), namespaces=[injected]) == []
    assert reasons(pod("app")) == []


def test_a_pod_that_is_going_is_left_alone() -> None:
    assert reasons(pod("istio-proxy", metadata={"deletionTimestamp": LATE}), nodes=[node(labelled(LATE))]) == []


def test_who_owns_nothing_of_it_changed_nothing() -> None:
    assert changed(node(), "labels", [REGION]) == ""
    assert changed(node(labelled(EARLY), labelled(LATE)), "labels", [REGION]) == LATE
