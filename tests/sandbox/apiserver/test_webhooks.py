"""Admission webhooks are called over TLS, and their verdicts obeyed and worded as at kube-apiserver."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.apiserver.process import Client, Server, free_port
from tests.sandbox.apiserver.webhook import Webhook, allowed, patched, webhook

Object = dict[str, Any]
ADDRESS = "127.99.0.53"
REGISTRATION = "/apis/admissionregistration.k8s.io/v1"
MUTATING, VALIDATING = "mutatingwebhookconfigurations", "validatingwebhookconfigurations"
MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with Server(tmp_path_factory.mktemp("server"), service_cidr="127.99.0.0/24", collects=False) as server:
        yield server.client()


@pytest.fixture(scope="module")
def listener(admin: Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webhook]:
    with webhook(tmp_path_factory.mktemp("hook"), ADDRESS) as made:
        spec = {"clusterIP": ADDRESS, "ports": [{"port": made.port}]}
        admin.create("/api/v1/namespaces/default/services", {"metadata": {"name": "hook"}, "spec": spec})
        account = {"metadata": {"name": "default"}}
        admin.call("POST", "/api/v1/namespaces/default/serviceaccounts", account)
        yield made


@pytest.fixture
def hook(listener: Webhook, admin: Client) -> Iterator[Webhook]:
    listener.replies, listener.asked = {"/": allowed}, []
    yield listener
    for kind in (MUTATING, VALIDATING):
        assert admin.call("DELETE", f"{REGISTRATION}/{kind}")[0] == 200
    for path in (MAPS, PODS):
        admin.call("DELETE", path)


def entry(hook: Webhook, path: str = "/", resource: str = "configmaps", **settings: Any) -> Object:
    rule = {"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": [resource]}
    made = {
        "name": f"{path.strip('/') or 'any'}.example.com",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "clientConfig": hook.client_config(path),
        "rules": [rule],
    }
    return made | settings


def register(admin: Client, kind: str, *entries: Object, name: str = "test") -> None:
    admin.create(f"{REGISTRATION}/{kind}", {"metadata": {"name": name}, "webhooks": list(entries)})


def config_map(name: str, **labels: str) -> Object:
    return {"metadata": {"name": name, "labels": labels}, "data": {"k": "v"}}


def refused(answer: tuple[int, Any]) -> tuple[int, str]:
    assert answer[1]["kind"] == "Status", answer
    return answer[0], answer[1]["message"]


def test_a_mutating_webhook_changes_what_is_stored_and_defaults_follow(admin: Client, hook: Webhook) -> None:
    register(admin, MUTATING, entry(hook, "/inject", "pods"))
    hook.replies["/inject"] = patched({"op": "add", "path": "/spec/containers/-", "value": {"name": "b", "image": "b"}})
    pod = admin.create(
        PODS, {"metadata": {"generateName": "a-"}, "spec": {"containers": [{"name": "a", "image": "a"}]}}
    )
    added = pod["spec"]["containers"][1]
    assert (added["name"], added["imagePullPolicy"]) == ("b", "Always")
    assert added["volumeMounts"][0]["name"] == pod["spec"]["containers"][0]["volumeMounts"][0]["name"]
    request = hook.asked[0][1]
    assert (request["operation"], request["namespace"], request["dryRun"]) == ("CREATE", "default", False)
    assert request["userInfo"]["username"] == "admin"
    assert request["kind"] == {"group": "", "version": "v1", "kind": "Pod"}
    assert request["object"]["metadata"]["generateName"] == "a-"


def test_what_a_webhook_makes_of_an_object_is_validated(admin: Client, hook: Webhook) -> None:
    register(admin, MUTATING, entry(hook))
    hook.replies["/"] = patched({"op": "add", "path": "/metadata/labels", "value": {"bad key": "v"}})
    assert admin.call("POST", MAPS, config_map("a"))[0] == 422


def test_a_denial_is_worded_as_the_original(admin: Client, hook: Webhook) -> None:
    register(admin, VALIDATING, entry(hook, "/deny"))
    hook.replies["/deny"] = lambda _: {"allowed": False, "status": {"code": 403, "message": "not today"}}
    denied = 'admission webhook "deny.example.com" denied the request'
    assert refused(admin.call("POST", MAPS, config_map("a"))) == (403, f"{denied}: not today")
    hook.replies["/deny"] = lambda _: {"allowed": False}
    assert refused(admin.call("POST", MAPS, config_map("a"))) == (400, f"{denied} without explanation")


def test_update_and_delete_are_asked_with_the_former_object(admin: Client, hook: Webhook) -> None:
    register(admin, VALIDATING, entry(hook))
    admin.create(MAPS, config_map("a"))
    admin.patch(f"{MAPS}/a", {"data": {"k": "w"}})
    assert admin.call("DELETE", f"{MAPS}/a")[0] == 200
    asked = [request for _, request in hook.asked]
    assert [request["operation"] for request in asked] == ["CREATE", "UPDATE", "DELETE"]
    assert [bool(request["object"]) for request in asked] == [True, True, False]
    assert [(request["oldObject"] or {"data": None})["data"] for request in asked] == [None, {"k": "v"}, {"k": "w"}]


def test_warnings_reach_the_client(admin: Client, hook: Webhook) -> None:
    register(admin, VALIDATING, entry(hook))
    hook.replies["/"] = lambda _: {"allowed": True, "warnings": ["mind the gap"]}
    answer = admin.raw("POST", MAPS, '{"metadata": {"name": "a"}}', Content_Type="application/json")
    assert answer.headers["Warning"] == '299 - "mind the gap"'


def test_selectors_choose(admin: Client, hook: Webhook) -> None:
    in_kube_system = {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}
    register(
        admin,
        VALIDATING,
        entry(hook, "/ns", namespaceSelector=in_kube_system),
        entry(hook, "/obj", objectSelector={"matchLabels": {"ask": "me"}}),
        entry(hook, "/cel", matchConditions=[{"name": "b", "expression": "object.metadata.name == 'b'"}]),
    )
    hook.replies = dict.fromkeys(("/ns", "/obj", "/cel"), allowed)
    admin.create(MAPS, config_map("a", ask="me"))
    admin.create(MAPS, config_map("b"))
    admin.create("/api/v1/namespaces/kube-system/configmaps", config_map("c"))
    assert [path for path, _ in hook.asked] == ["/obj", "/cel", "/ns"]


def test_a_rule_for_another_version_matches_by_policy(admin: Client, hook: Webhook) -> None:
    rule = {"operations": ["CREATE"], "apiGroups": ["autoscaling"], "apiVersions": ["v1"]}
    rule["resources"] = ["horizontalpodautoscalers"]
    register(admin, VALIDATING, entry(hook, "/same", rules=[rule]), entry(hook, rules=[rule], matchPolicy="Exact"))
    hook.replies["/same"] = allowed
    target = {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"}
    path = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
    admin.create(path, {"metadata": {"name": "h"}, "spec": {"maxReplicas": 2, "scaleTargetRef": target}})
    ((where, request),) = hook.asked
    assert where == "/same"
    assert (request["kind"]["version"], request["requestKind"]["version"]) == ("v1", "v2")
    assert request["object"]["apiVersion"] == "autoscaling/v1"


def test_a_dry_run_says_so_to_the_webhook(admin: Client, hook: Webhook) -> None:
    register(admin, VALIDATING, entry(hook))
    assert admin.call("POST", f"{MAPS}?dryRun=All", config_map("a"))[0] == 201
    assert hook.asked[0][1]["dryRun"] is True


def test_a_webhook_that_cannot_be_reached_fails_the_write_or_is_ignored(admin: Client, hook: Webhook) -> None:
    port = free_port()
    closed = {"url": f"https://127.0.0.1:{port}/x", "caBundle": hook.authority}
    register(admin, VALIDATING, entry(hook, clientConfig=closed))
    reason = f'Post "https://127.0.0.1:{port}/x?timeout=10s": dial tcp 127.0.0.1:{port}: connect: connection refused'
    message = f'Internal error occurred: failed calling webhook "any.example.com": failed to call webhook: {reason}'
    assert refused(admin.call("POST", MAPS, config_map("a"))) == (500, message)
    assert admin.call("DELETE", f"{REGISTRATION}/{VALIDATING}/test")[0] == 200
    register(admin, VALIDATING, entry(hook, clientConfig=closed, failurePolicy="Ignore"))
    admin.create(MAPS, config_map("a"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"service": {"name": "none", "namespace": "default"}}, ':443/?timeout=10s": service "none" not found'),
        ({"caBundle": ""}, "tls: failed to verify certificate: x509: certificate signed by unknown authority"),
        (
            {"service": {"name": "hook", "namespace": "default", "port": 1}},
            'no service port 1 found for service "hook"',
        ),
    ],
)
def test_why_a_service_cannot_be_asked(admin: Client, hook: Webhook, change: Object, reason: str) -> None:
    register(admin, VALIDATING, entry(hook, clientConfig=hook.client_config("/") | change))
    status, message = refused(admin.call("POST", MAPS, config_map("a")))
    assert status == 500
    assert message.endswith(reason)


def test_answers_that_make_no_sense_are_failures(admin: Client, hook: Webhook) -> None:
    register(admin, VALIDATING, entry(hook))
    hook.replies["/"] = lambda _: {"allowed": True, "uid": "other"}
    status, message = refused(admin.call("POST", MAPS, config_map("a")))
    assert (status, "received invalid webhook response: expected response.uid=" in message) == (500, True)
    hook.replies.clear()
    status, message = refused(admin.call("POST", MAPS, config_map("a")))
    assert message.endswith("failed to call webhook: the server could not find the requested resource")


def test_a_slow_webhook_is_given_up(admin: Client, hook: Webhook) -> None:
    def late(_: Object) -> Object:
        time.sleep(1.5)
        return {"allowed": True}

    register(admin, VALIDATING, entry(hook, timeoutSeconds=1))
    hook.replies["/"] = late
    assert refused(admin.call("POST", MAPS, config_map("a")))[1].endswith('timeout=1s": context deadline exceeded')


def test_a_webhook_sees_what_later_ones_changed_if_it_asks_for_it(admin: Client, hook: Webhook) -> None:
    add = {"op": "add", "path": "/data/second", "value": "yes"}
    register(admin, MUTATING, entry(hook, "/first", reinvocationPolicy="IfNeeded"), entry(hook, "/second"))
    hook.replies = {"/first": allowed, "/second": patched(add)}
    admin.create(MAPS, config_map("a"))
    assert [path for path, _ in hook.asked] == ["/first", "/second", "/first"]
    assert hook.asked[-1][1]["object"]["data"] == {"k": "v", "second": "yes"}


def test_configurations_themselves_are_never_reviewed(admin: Client, hook: Webhook) -> None:
    everything = {"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"]}
    register(admin, VALIDATING, entry(hook, "/deny", rules=[everything]))
    hook.replies["/deny"] = lambda _: {"allowed": False}
    assert admin.call("POST", MAPS, config_map("a"))[0] == 400
    register(admin, MUTATING, entry(hook))


def test_a_write_that_comes_while_a_webhook_thinks_is_not_lost(admin: Client, hook: Webhook) -> None:
    admin.create(MAPS, config_map("a"))
    register(admin, VALIDATING, entry(hook))

    def meddle(request: Object) -> Object:
        hook.replies["/"] = allowed
        assert request["operation"] == "UPDATE"
        admin.patch(f"{MAPS}/a", {"data": {"other": "x"}})
        return {"allowed": True}

    hook.replies["/"] = meddle
    admin.patch(f"{MAPS}/a", {"data": {"mine": "y"}})
    assert admin.get(f"{MAPS}/a")["data"] == {"k": "v", "other": "x", "mine": "y"}


def test_the_bundle_is_what_makes_a_certificate_trusted(admin: Client, hook: Webhook, tmp_path: Path) -> None:
    other = base64.b64encode(b"no certificate").decode()
    register(admin, VALIDATING, entry(hook, clientConfig=hook.client_config("/") | {"caBundle": other}))
    assert "unable to load root certificates" in refused(admin.call("POST", MAPS, config_map("a")))[1]
