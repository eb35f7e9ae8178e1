"""What `meshctl up` fills the clusters with, seen through plain kubectl on a machine that is the tests' own."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from tests.live import machine as machines
from tests.live.machine import Machine
from tests.live.test_up import NODES, meshctl, report

pytestmark = pytest.mark.live

CLUSTERS = ("cluster1", "cluster2", "cluster3")
LOCALITY = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone")
POD_CIDRS = {
    "cluster2-n1": "172.21.1.0/24",
    "cluster2-n2": "172.21.0.0/24",
    "cluster2-n3": "172.21.2.0/24",
    "cluster3-n1": "172.22.1.0/24",
    "cluster3-n2": "172.22.0.0/24",
    "cluster3-n3": "172.22.2.0/24",
}
KINDS = "namespaces,services,secrets,serviceaccounts,gateways.networking.istio.io,virtualservices,clusterroles"


@pytest.fixture
def built(machine: Machine) -> Machine:
    """Whole, whatever the test before left."""
    meshctl(machine, "up")
    return machine


def kubeconfig(machine: Machine) -> str:
    path = machine.home / "kubeconfig"
    if not path.exists():
        meshctl(machine, "kubeconfig", "-o", str(path))
    return str(path)


def kubectl(machine: Machine, cluster: str, *arguments: str) -> str:
    return machine.run("kubectl", "--kubeconfig", kubeconfig(machine), "--context", cluster, *arguments).stdout


def objects(machine: Machine, cluster: str, *arguments: str) -> Any:
    return json.loads(kubectl(machine, cluster, "get", *arguments, "-o", "json"))


def decoded(secret: Any) -> dict[str, bytes]:
    return {key: base64.b64decode(value) for key, value in secret["data"].items()}


def versions(machine: Machine) -> dict[str, str]:
    """The resourceVersion of every object that `up` makes."""
    return {
        f"{cluster} {one['kind']} {one['metadata'].get('namespace')}/{one['metadata']['name']}": one["metadata"][
            "resourceVersion"
        ]
        for cluster in CLUSTERS
        for one in objects(machine, cluster, KINDS, "-A")["items"]
    }


def test_the_courses_nodes_are_there(built: Machine) -> None:
    for number, cluster in enumerate(CLUSTERS, 1):
        nodes = {one["metadata"]["name"]: one for one in objects(built, cluster, "nodes")["items"]}
        assert set(nodes) == {name for name in NODES if name.startswith(cluster)}
        for name, node in nodes.items():
            labels = node["metadata"]["labels"]
            assert [labels[key] for key in LOCALITY] == [f"us-central{number}", f"z{number}", f"sz0{number}"]
            assert {"type": "InternalIP", "address": f"192.168.229.{NODES[name]}"} in node["status"]["addresses"]
            assert POD_CIDRS.get(name, node["spec"]["podCIDR"]) == node["spec"]["podCIDR"]
            ready = next(one for one in node["status"]["conditions"] if one["type"] == "Ready")
            assert ready["status"] == "True"
            assert "taints" not in node["spec"]


def test_each_cluster_holds_what_istio_is_installed_from(built: Machine) -> None:
    roots = set()
    for number, cluster in enumerate(CLUSTERS, 1):
        namespace = objects(built, cluster, "namespace", "istio-system")
        network = "network1" if cluster == "cluster1" else "network2"
        assert namespace["metadata"]["labels"]["topology.istio.io/network"] == network
        files = decoded(objects(built, cluster, "-n", "istio-system", "secret", "cacerts"))
        assert set(files) == {"ca-cert.pem", "ca-key.pem", "root-cert.pem", "cert-chain.pem"}
        intermediate = x509.load_pem_x509_certificate(files["ca-cert.pem"])
        intermediate.verify_directly_issued_by(x509.load_pem_x509_certificate(files["root-cert.pem"]))
        roots.add(files["root-cert.pem"])
        gateway = objects(built, cluster, "-n", "istio-system", "service", "istio-eastwestgateway")
        assert gateway["spec"]["externalIPs"] == [f"192.168.229.{99 + number}"]
        assert [port["port"] for port in gateway["spec"]["ports"]] == [15021, 15443, 15012, 15017]
        operator = meshctl(built, "shell", f"{cluster}-n1", "--", "cat", "/etc/meshctl/istio/control-plane.yaml").stdout
        values = yaml.safe_load(operator)["spec"]["values"]
        if cluster == "cluster1":
            assert values["global"]["network"] == network
        else:
            assert values["istiodRemote"]["injectionPath"] == f"/inject/cluster/{cluster}/net/{network}"
    assert len(roots) == 1


def test_the_primary_reads_the_remotes_and_can_do_nothing_else(built: Machine) -> None:
    for cluster in CLUSTERS[1:]:
        secret = objects(built, "cluster1", "-n", "istio-system", "secret", f"istio-remote-secret-{cluster}")
        assert secret["metadata"]["labels"]["istio/multiCluster"] == "true"
        assert secret["metadata"]["annotations"]["networking.istio.io/cluster"] == cluster
        path = built.home / f"reader-{cluster}"
        path.write_bytes(decoded(secret)[cluster])

        def ask(*arguments: str, path: Path = path) -> tuple[int, str]:
            # The server of a remote secret is an address of the sandbox's own network.
            fabric = (sys.executable, "-m", "meshctl.sandbox.enter", str(built.home / "meshctl/classroom"))
            done = built.run(*fabric, "kubectl", "--kubeconfig", str(path), *arguments, check=False)
            return done.returncode, done.stdout + done.stderr

        status, said = ask("get", "nodes", "-o", "name")
        assert (status, said.split()) == (0, [f"node/{name}" for name in NODES if name.startswith(cluster)])
        assert ask("get", "services,endpoints,pods,secrets", "-A")[0] == 0
        status, said = ask("-n", "istio-system", "create", "secret", "generic", "mine", "--from-literal=a=b")
        assert status == 1
        reader = "system:serviceaccount:istio-system:istio-reader-service-account"
        assert f'User "{reader}" cannot create resource "secrets"' in said
        assert ask("-n", "istio-system", "delete", "secret", "cacerts")[0] == 1


def test_a_second_up_writes_no_object(built: Machine) -> None:
    before = versions(built)
    assert len(before) > 100
    assert report(built, "up") == {}
    assert versions(built) == before


def test_plan_names_exactly_what_is_missing_and_up_mends_exactly_that(built: Machine) -> None:
    kubectl(built, "cluster2", "label", "node", "cluster2-n2", "topology.kubernetes.io/zone-")
    kubectl(built, "cluster3", "label", "node", "cluster3-n1", "topology.istio.io/subzone=elsewhere", "--overwrite")
    kubectl(built, "cluster2", "-n", "istio-system", "delete", "secret", "cacerts")
    kubectl(built, "cluster1", "-n", "istio-system", "delete", "secret", "istio-remote-secret-cluster3")
    swap = '{"spec":{"externalIPs":["192.168.229.199"]}}'
    kubectl(built, "cluster3", "-n", "istio-system", "patch", "service", "istio-eastwestgateway", "-p", swap)
    kubectl(built, "cluster1", "label", "namespace", "istio-system", "topology.istio.io/network-")
    kubectl(built, "cluster1", "label", "namespace", "istio-system", "students=own")
    meshctl(built, "shell", "cluster1-n1", "--", "rm", "/etc/meshctl/istio/eastwest.yaml")
    expected = {
        "cluster2-n1": [
            "~ Node cluster2-n2: metadata.labels.topology.kubernetes.io/zone",
            "+ Secret istio-system/cacerts",
        ],
        "cluster3-n1": [
            "~ Node cluster3-n1: metadata.labels.topology.istio.io/subzone",
            "~ Service istio-system/istio-eastwestgateway: spec.externalIPs",
        ],
        "cluster1-n1": [
            "~ Namespace istio-system: metadata.labels.topology.istio.io/network",
            "+ file /etc/meshctl/istio/eastwest.yaml",
            "+ Secret istio-system/istio-remote-secret-cluster3",
        ],
    }
    planned = report(built, "plan")
    assert _without_restarts(planned) == expected
    assert "~ Deployment istio/" in str(planned["cluster2-n1"])
    assert report(built, "up") == planned
    assert report(built, "plan") == {}
    labels = objects(built, "cluster1", "namespace", "istio-system")["metadata"]["labels"]
    assert (labels["topology.istio.io/network"], labels["students"]) == ("network1", "own")


def _without_restarts(found: dict[str, list[str]]) -> dict[str, list[str]]:
    """Where pods happen to be says which Deployments are restarted after a node's labels were mended."""
    return {host: [one for one in lines if "a pod keeps the locality" not in one] for host, lines in found.items()}


def test_status_tells_of_the_clusters(built: Machine) -> None:
    kubectl(built, "cluster3", "-n", "istio-system", "delete", "secret", "cacerts")
    done = meshctl(built, "status", "-o", "json", check=False)
    clusters = {one["cluster"]: one for one in json.loads(done.stdout)["clusters"]}
    assert done.returncode == 1
    assert clusters["cluster1"]["api"] == clusters["cluster3"]["api"] == "ready"
    assert clusters["cluster2"]["nodes"] == "3/3"
    assert (clusters["cluster2"]["secrets"], clusters["cluster3"]["secrets"]) == ("ready", "differs")
    assert clusters["cluster3"]["labels"] == "ready"


def test_no_secret_is_shown(built: Machine) -> None:
    secrets = [
        value
        for cluster in CLUSTERS
        for one in objects(built, cluster, "secrets", "-A")["items"]
        for value in decoded(one).values()
    ]
    tokens = [value for value in secrets if value.startswith(b"eyJ")]
    keys = [part for value in secrets if b"PRIVATE KEY" in value for part in value.splitlines()[1:-1]]
    assert tokens
    assert keys
    kubectl(built, "cluster1", "-n", "istio-system", "delete", "secret", "cacerts", "istio-remote-secret-cluster2")
    said = [meshctl(built, *command, check=False) for command in (("plan",), ("plan", "-o", "json"), ("up",))]
    texts = [done.stdout + done.stderr for done in said]
    texts += [path.read_text(errors="replace") for path in (built.home / "meshctl/classroom/logs").iterdir()]
    for canary in (*tokens, *keys):
        assert not [text for text in texts if canary.decode() in text]


def test_the_users_own_kubeconfig_is_theirs_again_after_down(tmp_path: Path) -> None:
    with machines.machine(tmp_path) as fresh:
        _merge_and_take_out(fresh)


def _merge_and_take_out(machine: Machine) -> None:
    meshctl(machine, "up", "--only", "hosts", "--only", "kubernetes")
    own = machine.home / "own"
    contexts = [{"name": "work", "context": {"cluster": "c", "user": "u"}}]
    theirs = {"apiVersion": "v1", "kind": "Config", "contexts": contexts, "current-context": "work"}
    own.write_text(yaml.safe_dump(theirs))
    environment = ("env", f"KUBECONFIG={own}")
    machine.run(*environment, sys.executable, "-m", "meshctl", "kubeconfig", "--merge")
    merged = yaml.safe_load(own.read_text())
    assert [one["name"] for one in merged["contexts"]] == ["work", *CLUSTERS]
    assert merged["current-context"] == "work"
    assert machine.run(*environment, "kubectl", "--context", "cluster2", "get", "nodes", "-o", "name").stdout
    meshctl(machine, "down")
    assert yaml.safe_load(own.read_text()) == {**theirs, "clusters": [], "users": []}


def test_each_deploy_is_undone_by_its_counterpart_and_comes_back(built: Machine) -> None:
    before = {name for name in versions(built) if "istio-system" in name}
    program = str(Path(sys.executable).with_name("pyinfra"))
    undone = (
        *("bookinfo", "eastwest_remotes", "istio_remotes", "eastwest", "istio", "exposure"),
        *("remote_secrets", "istio_readers", "istio_operators", "cacerts", "node_labels"),
    )
    built.run(program, "-y", "inventories/sandbox.py", *(f"deploys/{name}_absent.py" for name in undone))
    left = {name for name in versions(built) if "istio-system" in name}
    kept = ("Namespace", "kube-root-ca", "ServiceAccount istio-system/default")
    assert [name for name in left if not any(one in name for one in kept)] == []
    labels = objects(built, "cluster2", "node", "cluster2-n2")["metadata"]["labels"]
    assert not set(LOCALITY) & set(labels)
    assert (
        "missing" in meshctl(built, "shell", "cluster1-n1", "--", "ls /etc/meshctl/istio/*.yaml || echo missing").stdout
    )
    assert report(built, "up") != {}
    assert {name for name in versions(built) if "istio-system" in name} == before
