"""A pod is known by its workload's and Istio's names for it."""

from __future__ import annotations

from meshctl.mesh import pod
from tests.mesh.pods import document, made


def test_a_pod_of_a_deployment_has_its_workloads_name() -> None:
    found = made("c1", "reviews-v2-5d6f-abcde", "reviews-v2", node="c1-n2", address="172.20.1.4")
    assert (found.workload, found.service, found.version) == ("reviews-v2", "reviews", "v2")
    assert (found.node, found.address, found.ready, found.running) == ("c1-n2", "172.20.1.4", True, True)
    assert found.full_name == "c1/istio/reviews-v2-5d6f-abcde"
    assert found.proxy_name == "reviews-v2-5d6f-abcde.istio"


def test_the_applications_container_is_chosen_and_not_its_proxy() -> None:
    found = made("c1", "p", "p-v1", containers=("istio-proxy", "app"))
    assert found.default_container == "app"
    assert made("c1", "g", "g-v1", containers=("istio-proxy",)).default_container == "istio-proxy"


def test_the_container_that_kubectl_chooses_comes_first() -> None:
    stated = document("p", "p-v1", containers=("one", "two"))
    stated["metadata"]["annotations"] = {"kubectl.kubernetes.io/default-container": "two"}
    assert pod.parse("c1", stated).default_container == "two"


def test_a_native_sidecar_is_a_proxy_and_a_finished_init_container_is_none() -> None:
    stated = document("p", "p-v1", containers=("app",))
    stated["spec"]["initContainers"] = [{"name": "istio-proxy", "restartPolicy": "Always"}, {"name": "istio-init"}]
    found = pod.parse("c1", stated)
    assert found.has_proxy
    assert found.containers == ("app", "istio-proxy")


def test_a_pod_without_labels_owner_or_address_is_known_by_its_own_name() -> None:
    found = pod.parse("c1", {"metadata": {"name": "bare", "namespace": "d"}, "spec": {"containers": [{"name": "c"}]}})
    assert (found.workload, found.service, found.address, found.ready) == ("bare", "bare", "", False)


def test_a_terminating_pod_does_not_run() -> None:
    stated = document("p", "p-v1")
    stated["metadata"]["deletionTimestamp"] = "2024-01-01T00:00:00Z"
    assert not pod.parse("c1", stated).running
