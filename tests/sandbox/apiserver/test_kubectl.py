"""What people type with kubectl, beyond the recorded conversations; with the oldest and the newest that is found."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.apiserver.conversation.kubectls import kubectls
from tests.sandbox.apiserver.process import Client, Server

pytestmark = pytest.mark.skipif(not kubectls(), reason="no kubectl on this machine")

ENDS = list(dict.fromkeys([*list(kubectls())[:1], *list(kubectls())[-1:]]))
MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: "web:1"}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, labels: {app: web}}
data: {colour: red}
"""


class Kubectl:
    """One kubectl with a namespace of its own; a command must succeed unless another exit code is named."""

    def __init__(self, server: Server, version: str, program: Path, directory: Path) -> None:
        self.version = int(version.partition(".")[2])
        self.namespace = f"k{self.version}"
        self.directory = directory
        self._program = str(program)
        self._server = server
        self._config = server.kubeconfig(directory / "kubeconfig", {"token": "admin-token"})
        self("create", "namespace", self.namespace)

    @property
    def client(self) -> Client:
        """Requests without kubectl."""
        return self._server.client()

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """The running command."""
        own = {"HOME": str(self.directory), "KUBECONFIG": str(self._config), "PATH": os.environ["PATH"]}
        return subprocess.Popen(
            [self._program, "--namespace", getattr(self, "namespace", "default"), *arguments],
            cwd=self.directory,
            env=own | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str, given: str = "", code: int = 0, **environment: str) -> str:
        """What the command prints; of one that fails, what it complains about."""
        process = self.start(*arguments, **environment)
        printed, complained = process.communicate(given, timeout=60)
        assert process.returncode == code, f"{arguments}: {printed}{complained}"
        return complained if code else printed

    def get(self, *arguments: str) -> Any:
        """An object as JSON."""
        return json.loads(self("get", *arguments, "-o", "json"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("kubectl") / "server", pod_service_accounts=False) as running:
        yield running


@pytest.fixture(scope="module", params=ENDS)
def kubectl(request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    program = kubectls()[request.param]
    return Kubectl(server, request.param, program, tmp_path_factory.mktemp(f"kubectl-{request.param}"))


@pytest.fixture(scope="module")
def others(server: Server, tmp_path_factory: pytest.TempPathFactory) -> list[Kubectl]:
    """The kubectls between the oldest and the newest."""
    between = {version: program for version, program in kubectls().items() if version not in ENDS}
    return [Kubectl(server, version, program, tmp_path_factory.mktemp(version)) for version, program in between.items()]


def test_every_version_is_understood(others: list[Kubectl]) -> None:
    for commands in (
        ("create secret generic s --from-literal=a=b", "create deployment d --image=x", "create serviceaccount a"),
        ("create token a", "scale deployment d --replicas=2", "get deployment,secret -o wide", "describe secret s"),
        ("explain deployment.spec.strategy", "rollout history deployment/d", "delete secret s", "auth can-i get pods"),
    ):
        running = [(one, command, one.start(*command.split())) for one in others for command in commands]
        for one, command, process in running:
            _, complained = process.communicate(timeout=60)
            assert process.returncode == 0 or (one.version < 24 and "token" in command), f"{command}: {complained}"


def test_imperative_commands_make_and_change_objects(kubectl: Kubectl) -> None:
    kubectl("create", "secret", "generic", "s", "--from-literal=a=b")
    assert kubectl.get("secret", "s")["data"] == {"a": "Yg=="}
    kubectl("create", "configmap", "c", "--from-literal=a=b")
    kubectl("create", "serviceaccount", "robot")
    kubectl("create", "deployment", "d", "--image=x:1", "--replicas=2")
    kubectl("set", "image", "deployment/d", "x=x:2")
    kubectl("scale", "deployment", "d", "--replicas=3")
    kubectl("rollout", "restart", "deployment", "d")
    kubectl("expose", "deployment", "d", "--port=80")
    kubectl("autoscale", "deployment", "d", "--max=4")
    spec = kubectl.get("deployment", "d")["spec"]
    assert (spec["replicas"], spec["template"]["spec"]["containers"][0]["image"]) == (3, "x:2")
    assert kubectl.get("service", "d")["spec"]["selector"] == {"app": "d"}
    assert kubectl.get("hpa", "d")["spec"]["maxReplicas"] == 4


def test_rights_given_by_commands_are_rights(kubectl: Kubectl) -> None:
    kubectl("create", "role", "reader", "--verb=get", "--resource=pods")
    kubectl("create", "rolebinding", "reader", "--role=reader", "--user=jane")
    assert kubectl("auth", "can-i", "get", "pods", "--as=jane") == "yes\n"
    kubectl("auth", "can-i", "delete", "pods", "--as=jane", code=1)


def test_a_job_selects_its_pods_by_its_uid(kubectl: Kubectl) -> None:
    kubectl("create", "job", "j", "--image=x", "--", "date")
    job = kubectl.get("job", "j")
    own = {"batch.kubernetes.io/controller-uid": job["metadata"]["uid"]}
    assert job["spec"]["selector"]["matchLabels"] == own
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert labels == own | {
        "batch.kubernetes.io/job-name": "j",
        "controller-uid": job["metadata"]["uid"],
        "job-name": "j",
    }
    assert job["metadata"]["labels"] == labels
    assert "job.batch/j" in kubectl("get", "jobs", "--field-selector=status.successful=0", "-o", "name")


def test_a_signing_request_names_its_requestor_and_is_approved(kubectl: Kubectl) -> None:
    request = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg=="
    name = f"csr-{kubectl.namespace}"
    spec = {"request": request, "signerName": "example.org/signer", "usages": ["client auth"], "username": "forged"}
    made = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": name}}
    created = kubectl.client.create("/apis/certificates.k8s.io/v1/certificatesigningrequests", made | {"spec": spec})
    assert created["spec"]["username"] == "admin"
    assert "system:masters" in created["spec"]["groups"]
    kubectl("certificate", "approve", name)
    conditions = kubectl.get("csr", name)["status"]["conditions"]
    assert [(one["type"], one["reason"]) for one in conditions] == [("Approved", "KubectlApprove")]


def test_subresources_of_pods_change_their_part_alone(kubectl: Kubectl) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    path = f"/api/v1/namespaces/{kubectl.namespace}/pods"
    kubectl.client.create(path, pod | {"spec": {"containers": [{"name": "c", "image": "x"}]}})
    change = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "y"}], "priority": 9}}
    kind = "application/strategic-merge-patch+json"
    spec = kubectl.client.patch(f"{path}/p/ephemeralcontainers", change, kind)["spec"]
    assert [one["name"] for one in spec["ephemeralContainers"]] == ["debug"]
    assert spec["priority"] == 0
    bigger = {"spec": {"containers": [{"name": "c", "image": "other", "resources": {"requests": {"cpu": "2"}}}]}}
    container = kubectl.client.patch(f"{path}/p/resize", bigger, kind)["spec"]["containers"][0]
    assert (container["image"], container["resources"]) == ("x", {"requests": {"cpu": "2"}})


def test_files_are_applied_diffed_edited_replaced_and_pruned(kubectl: Kubectl) -> None:
    file = kubectl.directory / "web.yaml"
    file.write_text(MANIFEST)
    kubectl("apply", "-f", "web.yaml")
    assert kubectl("apply", "-f", "web.yaml") == "deployment.apps/web unchanged\nconfigmap/settings unchanged\n"
    changed = MANIFEST.replace("web:1", "web:2")
    assert kubectl("diff", "-f", "-", given=MANIFEST) == ""
    kubectl("diff", "-f", "-", given=changed, code=1)
    kubectl("edit", "deployment/web", KUBE_EDITOR="sed -i s/web:1/web:3/")
    container = kubectl.get("deployment", "web")["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "web:3"
    uid = kubectl.get("cm", "settings")["metadata"]["uid"]
    deployment, _, settings = MANIFEST.partition("---")
    # The kinds that kubectl 1.20 prunes if it isn't told are no longer served by Kubernetes.
    only = "--prune-allowlist" if kubectl.version > 25 else "--prune-whitelist"
    kubectl("apply", "--prune", "-l", "app=web", f"{only}=core/v1/ConfigMap", "-f", "-", given=deployment)
    assert 'configmaps "settings" not found' in kubectl("get", "cm", "settings", code=1)
    kubectl("create", "-f", "-", given=settings)
    kubectl("replace", "--force", "-f", "-", given=settings)
    assert kubectl.get("cm", "settings")["metadata"]["uid"] != uid


def test_managers_of_server_side_apply_conflict(kubectl: Kubectl) -> None:
    settings = MANIFEST.partition("---")[2].replace("settings", "owned")
    kubectl("apply", "--server-side", "--field-manager=one", "-f", "-", given=settings)
    other = settings.replace("red", "blue")
    refused = kubectl("apply", "--server-side", "--field-manager=two", "-f", "-", given=other, code=1)
    assert 'conflict with "one": .data.colour' in refused
    kubectl("apply", "--server-side", "--field-manager=two", "--force-conflicts", "-f", "-", given=other)
    assert kubectl.get("cm", "owned")["data"] == {"colour": "blue"}


def test_waiting_ends_when_the_condition_holds(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "slow", "--image=x")
    path = f"/apis/apps/v1/namespaces/{kubectl.namespace}/deployments/slow/status"
    waiting = kubectl.start("wait", "--for=condition=Available", "deployment/slow", "--timeout=30s")
    condition = {"type": "Available", "status": "True", "reason": "Here", "message": "."}
    kubectl.client.patch(path, {"status": {"conditions": [condition]}})
    assert waiting.communicate(timeout=40)[0] == "deployment.apps/slow condition met\n"


def test_a_watch_prints_every_event_in_order(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "seen")
    watching = kubectl.start("get", "configmap", "seen", "-w", "--output-watch-events")
    assert watching.stdout is not None
    lines = [watching.stdout.readline().split()]
    lines.append(watching.stdout.readline().split())
    kubectl("patch", "configmap", "seen", "--type=merge", "-p", '{"data":{"a":"b"}}')
    lines.append(watching.stdout.readline().split())
    kubectl("delete", "configmap", "seen")
    lines.append(watching.stdout.readline().split())
    watching.terminate()
    watching.communicate()
    assert [line[:3] for line in lines] == [
        ["EVENT", "NAME", "DATA"],
        ["ADDED", "seen", "0"],
        ["MODIFIED", "seen", "1"],
        ["DELETED", "seen", "1"],
    ]


def test_every_kind_is_listed_in_every_form_and_described(kubectl: Kubectl) -> None:
    kinds = kubectl("api-resources", "--verbs=list", "-o", "name").split()
    assert len(kinds) > 50
    running = {
        (kind, *form): kubectl.start("get", kind, *form)
        for kind in (",".join(kinds),)
        for form in (("-o", "wide"), ("-o", "yaml"), ("-o", "name"), ("--show-labels",))
    }
    for asked, process in running.items():
        _, complained = process.communicate(timeout=60)
        assert process.returncode == 0, f"{asked}: {complained}"
    assert "Kind" not in kubectl("describe", "all")


def test_a_table_has_the_columns_of_its_kind(kubectl: Kubectl) -> None:
    lines = kubectl("get", "componentstatuses").splitlines()
    assert lines[0].split() == ["NAME", "STATUS", "MESSAGE", "ERROR"]
    assert lines[1].split() == ["controller-manager", "Healthy", "ok"]


def test_a_replica_set_takes_no_labels_from_its_template(kubectl: Kubectl) -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
    made = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "plain"}}
    path = f"/apis/apps/v1/namespaces/{kubectl.namespace}/replicasets"
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    assert "labels" not in kubectl.client.create(path, made | {"spec": spec})["metadata"]


def test_nodes_are_cordoned_tainted_and_drained(kubectl: Kubectl) -> None:
    name = f"node-{kubectl.namespace}"
    kubectl.client.create("/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
    kubectl("taint", "node", name, "a=b:NoExecute")
    kubectl("cordon", name)
    assert kubectl.get("node", name)["spec"]["unschedulable"] is True
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "on-node"}}
    path = f"/api/v1/namespaces/{kubectl.namespace}/pods"
    spec = {"containers": [{"name": "c", "image": "x"}], "nodeName": name, "terminationGracePeriodSeconds": 0}
    kubectl.client.create(path, pod | {"spec": spec})
    kubectl("drain", name, "--force", "--timeout=30s")
    assert kubectl.client.call("GET", f"{path}/on-node")[0] == 404
    kubectl("uncordon", name)


def test_metrics_are_said_to_be_missing(kubectl: Kubectl) -> None:
    assert "Metrics API not available" in kubectl("top", "nodes", code=1)
