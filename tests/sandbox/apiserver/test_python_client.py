"""The `kubernetes` client for Python works with the server as with the original."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, dynamic, watch
from kubernetes.client import ApiClient, ApiException, Configuration

from tests.sandbox.apiserver.conversation.stage import Stage

NAMESPACE = "default"
# Its types call everything optional, where it has any.
kubernetes: Any = client
followers: Any = watch
dynamics: Any = dynamic


@pytest.fixture(scope="module")
def api(mesh: Stage) -> Iterator[ApiClient]:
    settings = Configuration()
    settings.host = mesh.server.url
    settings.ssl_ca_cert = str(mesh.server.authority.file)
    settings.api_key = {"authorization": "admin-token"}
    settings.api_key_prefix = {"authorization": "Bearer"}
    with ApiClient(settings) as one:
        yield one


@pytest.fixture
def core(api: ApiClient) -> Any:
    return kubernetes.CoreV1Api(api)


def metadata(name: str, **labels: str) -> Any:
    return kubernetes.V1ObjectMeta(name=name, labels=labels)


def test_a_config_map_from_birth_to_death(core: Any) -> None:
    made = core.create_namespaced_config_map(NAMESPACE, kubernetes.V1ConfigMap(metadata=metadata("m"), data={"a": "1"}))
    assert made.metadata.uid
    made.data["a"] = "2"
    replaced = core.replace_namespaced_config_map("m", NAMESPACE, made)
    assert int(replaced.metadata.resource_version) > int(made.metadata.resource_version)
    with pytest.raises(ApiException) as stale:
        core.replace_namespaced_config_map("m", NAMESPACE, made)
    assert (stale.value.status, stale.value.reason) == (409, "Conflict")
    patched = core.patch_namespaced_config_map("m", NAMESPACE, {"data": {"b": "3", "a": None}})
    assert patched.data == core.read_namespaced_config_map("m", NAMESPACE).data == {"b": "3"}
    patched = core.patch_namespaced_config_map("m", NAMESPACE, [{"op": "add", "path": "/data/c", "value": "4"}])
    assert patched.data == {"b": "3", "c": "4"}
    core.delete_namespaced_config_map("m", NAMESPACE)
    with pytest.raises(ApiException) as gone:
        core.read_namespaced_config_map("m", NAMESPACE)
    assert gone.value.status == 404


def test_lists_go_in_pages_and_by_label(core: Any) -> None:
    for number in range(7):
        named = metadata(f"page-{number}", page="yes", odd=str(number % 2))
        core.create_namespaced_config_map(NAMESPACE, kubernetes.V1ConfigMap(metadata=named))
    names, following, pages = [], None, 0
    while following or not pages:
        found = core.list_namespaced_config_map(NAMESPACE, label_selector="page=yes", limit=3, _continue=following)
        names += [one.metadata.name for one in found.items]
        following, pages = found.metadata._continue, pages + 1
    assert (names, pages) == ([f"page-{number}" for number in range(7)], 3)
    odd = core.list_namespaced_config_map(NAMESPACE, label_selector="page,odd notin (0)")
    assert [one.metadata.name for one in odd.items] == ["page-1", "page-3", "page-5"]
    core.delete_collection_namespaced_config_map(NAMESPACE, label_selector="page=yes")
    assert core.list_namespaced_config_map(NAMESPACE, label_selector="page=yes").items == []


def test_a_watch_tells_what_happens(core: Any) -> None:
    version = core.list_namespaced_secret(NAMESPACE).metadata.resource_version
    core.create_namespaced_secret(NAMESPACE, kubernetes.V1Secret(metadata=metadata("s"), string_data={"k": "v"}))
    core.patch_namespaced_secret("s", NAMESPACE, {"metadata": {"labels": {"x": "y"}}})
    core.delete_namespaced_secret("s", NAMESPACE)
    follower, seen = followers.Watch(), []
    for event in follower.stream(core.list_namespaced_secret, NAMESPACE, resource_version=version, timeout_seconds=20):
        seen.append((event["type"], event["object"].metadata.labels))
        if event["type"] == "DELETED":
            follower.stop()
    assert seen == [("ADDED", None), ("MODIFIED", {"x": "y"}), ("DELETED", {"x": "y"})]


def test_a_deployment_is_scaled_through_its_subresource(api: ApiClient) -> None:
    apps = kubernetes.AppsV1Api(api)
    container = kubernetes.V1Container(name="c", image="nginx:1")
    template = kubernetes.V1PodTemplateSpec(
        metadata=metadata("", app="d"), spec=kubernetes.V1PodSpec(containers=[container])
    )
    spec = kubernetes.V1DeploymentSpec(selector={"matchLabels": {"app": "d"}}, template=template)
    made = apps.create_namespaced_deployment(NAMESPACE, kubernetes.V1Deployment(metadata=metadata("d"), spec=spec))
    assert (made.spec.replicas, made.spec.strategy.type, made.spec.revision_history_limit) == (1, "RollingUpdate", 10)
    scale = apps.read_namespaced_deployment_scale("d", NAMESPACE)
    scale.spec.replicas = 4
    assert apps.replace_namespaced_deployment_scale("d", NAMESPACE, scale).spec.replicas == 4
    assert apps.read_namespaced_deployment("d", NAMESPACE).metadata.generation == 2
    change = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "x"}]}}}}
    merged = apps.patch_namespaced_deployment("d", NAMESPACE, change)
    assert [one.name for one in merged.spec.template.spec.containers] == ["side", "c"]
    with pytest.raises(ApiException) as fixed:
        apps.patch_namespaced_deployment("d", NAMESPACE, {"spec": {"selector": {"matchLabels": {"app": "e"}}}})
    assert fixed.value.status == 422
    assert "field is immutable" in (fixed.value.body or "")
    apps.delete_namespaced_deployment("d", NAMESPACE)


def test_rules_by_the_dynamic_client(api: ApiClient, tmp_path: Any) -> None:
    discovered = dynamics.DynamicClient(api, cache_file=str(tmp_path / "cache"))
    rules = discovered.resources.get(api_version="networking.istio.io/v1", kind="DestinationRule")
    body = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": "by-client", "namespace": NAMESPACE},
        "spec": {"host": "reviews", "trafficPolicy": {"loadBalancer": {"simple": "RANDOM"}}},
    }
    assert rules.create(body=body, namespace=NAMESPACE).spec.host == "reviews"
    applied = {**body, "spec": {"host": "reviews", "subsets": [{"name": "v1", "labels": {"version": "v1"}}]}}
    found = rules.server_side_apply(body=applied, name="by-client", namespace=NAMESPACE, field_manager="a")
    assert found.spec.trafficPolicy.loadBalancer.simple == "RANDOM"
    clash = {**body, "spec": {"host": "ratings"}}
    with pytest.raises(ApiException) as conflict:
        rules.server_side_apply(body=clash, name="by-client", namespace=NAMESPACE, field_manager="b")
    assert (conflict.value.status, "conflict" in (conflict.value.body or "")) == (409, True)
    wrong = {**body, "metadata": {"name": "wrong", "namespace": NAMESPACE}, "spec": {"host": ""}}
    with pytest.raises(ApiException) as refused:
        rules.create(body=wrong, namespace=NAMESPACE)
    assert refused.value.status == 400
    assert [one.metadata.name for one in rules.get(namespace=NAMESPACE).items] == ["by-client"]
    rules.delete(name="by-client", namespace=NAMESPACE)


def test_a_token_from_a_request_opens_the_door(core: Any, api: ApiClient, mesh: Stage) -> None:
    core.create_namespaced_service_account(NAMESPACE, kubernetes.V1ServiceAccount(metadata=metadata("robot")))
    spec = kubernetes.V1TokenRequestSpec(audiences=[], expiration_seconds=3600)
    wish = kubernetes.AuthenticationV1TokenRequest(spec=spec)
    answer = core.create_namespaced_service_account_token("robot", NAMESPACE, wish)
    settings = Configuration()
    settings.host, settings.ssl_ca_cert = mesh.server.url, str(mesh.server.authority.file)
    settings.api_key = {"authorization": f"Bearer {answer.status.token}"}
    with ApiClient(settings) as robot:
        review = {"spec": {"resourceAttributes": {"verb": "get", "resource": "secrets", "namespace": NAMESPACE}}}
        can = kubernetes.AuthorizationV1Api(robot).create_self_subject_access_review(review)
        assert can.status.allowed is False
        who = kubernetes.AuthenticationV1Api(robot).create_self_subject_review({})
        assert who.status.user_info.username == f"system:serviceaccount:{NAMESPACE}:robot"
    core.delete_namespaced_service_account("robot", NAMESPACE)
