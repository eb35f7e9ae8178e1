"""Services on live clusters: reached from pods, nodes and other clusters, by address and by name."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest

from meshctl.kube.access import Access
from meshctl.kube.client import Client
from meshctl.sandbox import control, create, delete
from meshctl.sandbox.clusters import create as clusters
from meshctl.validate import find_topology
from tests.live.test_pods import until

NAME = "services"
SPACE = "/api/v1/namespaces/default"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
EXTERNAL, OTHER, THEIRS = "192.168.229.100", "192.168.229.110", "192.168.229.141"
NODES = {"web-1": "cluster1-n1", "web-2": "cluster1-n2"}
FAR = "cluster2-n2"
CONTROLLERS = "controllers-cluster1"
ASK = "curl -sS -m 3"
Object = dict[str, Any]


@dataclass(frozen=True)
class Shop:
    """Two clusters; in the first, pods web-1 and web-2 answer with their names, and client on n3 asks."""

    client: Client
    access: Access

    def create(self, kind: str, name: str, **spec: Any) -> None:
        """Create a Service or a pod, labelled with the first part of its name."""
        metadata = {"name": name, "namespace": "default", "labels": {"app": name.partition("-")[0]}}
        self.client.create({"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec})

    def serve(self, name: str, app: str = "web", **spec: Any) -> None:
        """Create a Service and wait until the nodes know it."""
        self.create("Service", name, selector={"app": app}, ports=[{"port": 80, "targetPort": "http"}], **spec)
        address = self.spec(name)["clusterIP"]
        look = f"nft list table ip meshctl-services | grep -c '{address} . tcp . 80'"
        for node in ("cluster1-n1", "cluster1-n2", "cluster1-n3"):
            until(lambda node=node: self.at(node, f"{look} || true") != "0", f"{name} on {node}")  # type: ignore[misc]

    def run_web(self, name: str, node: str) -> None:
        """Start a pod that answers with its name."""
        config = f'events {{}} http {{ server {{ listen 80; location / {{ return 200 "{name} "; }} }} }}'
        metadata = {"name": name, "namespace": "default"}
        self.client.create(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"nginx.conf": config}}
        )
        container = {
            "name": "c",
            "image": "nginx",
            "ports": [{"name": "http", "containerPort": 80}],
            "readinessProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 1},
            "volumeMounts": [{"name": "web", "mountPath": "/etc/nginx"}],
        }
        volumes = [{"name": "web", "configMap": {"name": name}}]
        self.create(
            "Pod", name, nodeName=node, terminationGracePeriodSeconds=1, containers=[container], volumes=volumes
        )

    def remove(self, kind: str, name: str) -> None:
        """Delete something."""
        self.client.delete({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "default"}})

    def change(self, name: str, **spec: Any) -> None:
        """Patch a Service's spec."""
        self.kubectl("patch", "service", name, "--type=merge", "-p", f'{{"spec":{json.dumps(spec)}}}')

    def spec(self, name: str) -> Object:
        """A live Service's."""
        found: Object = (self.client.read(f"{SPACE}/services/{name}") or {})["spec"]
        return found

    def ready(self, name: str) -> list[str]:
        """The pods that are ready according to a Service's slices."""
        found = (self.client.read(SLICES) or {})["items"]
        own = [one for one in found if one["metadata"]["labels"]["kubernetes.io/service-name"] == name]
        endpoints = [one for each in own for one in each.get("endpoints") or ()]
        return sorted(one["targetRef"]["name"] for one in endpoints if one["conditions"]["ready"])

    def kubectl(self, *words: str) -> str:
        """What kubectl prints."""
        access = self.access
        command = ["kubectl", f"--server={access.server}", f"--certificate-authority={access.authority}"]
        command += [f"--client-certificate={access.certificate}", f"--client-key={access.key}", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout

    def at(self, node: str, words: str) -> str:
        """What a shell script prints on a node."""
        with control.connect(NAME) as sandbox:
            return sandbox.run(["sh", "-c", words], node=node, root="fabric")

    def inside(self, words: str, pod: str = "client") -> str:
        """What a shell script prints in a container."""
        return self.kubectl("exec", pod, "--", "sh", "-c", words)

    def ask(self, host: str, pod: str = "client", count: int = 1) -> Counter[str]:
        """Who answers how often in a pod, as seen from a pod; the exit status of curl where nobody does."""
        words = f"for i in $(seq {count}); do {ASK} http://{host}/ 2>/dev/null || echo status-$?; done"
        return Counter(self.inside(words, pod).split())

    def ask_from(self, node: str, host: str, count: int = 1) -> Counter[str]:
        """The same, as seen from a node."""
        words = f"for i in $(seq {count}); do {ASK} http://{host}/ 2>/dev/null || echo status-$?; done"
        return Counter(self.at(node, words).split())


@pytest.fixture(scope="module")
def shop(home: object) -> Iterator[Shop]:
    topology = find_topology(preset="classroom")
    topology = replace(topology, clusters=topology.clusters[:2])
    try:
        create.create(topology, NAME)
        clusters.create(topology, NAME)
        access = clusters.forwarded(topology, NAME)["cluster1"]
        made = Shop(Client(access), access)
        for name, node in NODES.items():
            made.run_web(name, node)
        idle = {"name": "c", "image": "curlimages/curl", "command": ["sleep", "infinity"]}
        made.create("Pod", "client", nodeName="cluster1-n3", terminationGracePeriodSeconds=1, containers=[idle])
        made.serve("web", type="NodePort", externalIPs=[EXTERNAL])
        until(lambda: made.ready("web") == sorted(NODES), "both pods are ready", 20)
        until(lambda: "10.68.0.10" in made.inside("cat /etc/resolv.conf"), "the client knows its name server", 20)
        until(lambda: made.ask("web")["web-1"], "the name is known")
        yield made
    finally:
        delete.delete(NAME)


def test_a_pod_reaches_a_service_on_other_nodes_by_address_and_by_name(shop: Shop) -> None:
    answers = shop.ask(shop.spec("web")["clusterIP"], count=24)
    assert set(answers) == set(NODES)
    assert min(answers.values()) >= 4
    for name in ("web", "web.default", "web.default.svc", "web.default.svc.cluster.local"):
        assert set(shop.ask(name)) <= set(NODES)
    assert "10.68.0.1 " in shop.inside("getent hosts kubernetes.default")
    assert shop.ask("example.org") == {"status-6": 1}


def test_a_pod_reaches_itself_by_its_service(shop: Shop) -> None:
    assert set(shop.ask("web", "web-1", 16)) == set(NODES)


def test_every_node_has_the_node_port_for_other_clusters_too(shop: Shop) -> None:
    port = shop.spec("web")["ports"][0]["nodePort"]
    for address in ("192.168.229.137", "192.168.229.139"):
        assert set(shop.ask_from(FAR, f"{address}:{port}", 16)) == set(NODES)
    assert set(shop.ask_from("cluster1-n1", f"192.168.229.138:{port}", 16)) == set(NODES)


def test_an_external_address_is_reached_from_everywhere_and_follows_its_service(shop: Shop) -> None:
    for node in (FAR, "cluster1-n1", "cluster1-n3"):
        assert set(shop.ask_from(node, EXTERNAL, 16)) == set(NODES)
    assert set(shop.ask(EXTERNAL)) <= set(NODES)
    shop.change("web", externalIPs=[OTHER])
    until(lambda: set(shop.ask_from(FAR, OTHER)) <= set(NODES), "the new address answers")
    until(lambda: set(shop.ask_from(FAR, EXTERNAL)) <= {"status-7", "status-28"}, "the old one does not")
    shop.change("web", externalIPs=[EXTERNAL])
    until(lambda: set(shop.ask_from(FAR, EXTERNAL)) <= set(NODES), "the first address is back")


def test_an_address_that_another_host_has_is_not_taken(shop: Shop) -> None:
    shop.serve("thief", externalIPs=[THEIRS])
    time.sleep(0.5)
    for node in ("cluster1-n1", "cluster1-n2", "cluster1-n3"):
        assert THEIRS not in shop.at(node, "ip -4 addr")
    greeting = f"bash -c 'exec 3<>/dev/tcp/{THEIRS}/22; head -c 3 <&3'"
    assert shop.at("cluster2-n1", greeting) == "SSH"
    shop.remove("Service", "thief")


def test_a_service_without_endpoints_refuses_and_unknown_ports_do(shop: Shop) -> None:
    shop.serve("nobody", app="nobody", type="NodePort", externalIPs=[OTHER])
    spec = shop.spec("nobody")
    for host in (spec["clusterIP"], OTHER, f"192.168.229.138:{spec['ports'][0]['nodePort']}"):
        until(lambda host=host: shop.ask(host) == {"status-7": 1}, f"{host} refuses")  # type: ignore[misc]
    assert shop.ask_from("cluster1-n1", spec["clusterIP"]) == {"status-7": 1}
    assert shop.ask(f"{spec['clusterIP']}:81") == {"status-7": 1}
    shop.remove("Service", "nobody")


def test_a_deleted_pod_leaves_and_no_request_fails(shop: Shop) -> None:
    shop.run_web("web-3", "cluster1-n3")
    until(lambda: "web-3" in shop.ready("web"), "a third pod", 20)
    until(lambda: shop.ask("web", count=20)["web-3"], "it is asked")
    address = (shop.client.read(f"{SPACE}/pods/web-3") or {})["status"]["podIP"]
    shop.kubectl("delete", "pod", "web-3", "--wait=false")
    until(lambda: "web-3" not in shop.ready("web"), "it has left")
    look = f"nft list table ip meshctl-services | grep -c '{address} . 80' || true"
    until(lambda: shop.at("cluster1-n3", look) == "0", "the rules have left it")
    assert set(shop.ask("web", count=24)) == set(NODES)


def test_names_and_addresses_work_on_while_the_controllers_die(shop: Shop) -> None:
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(shop.ask_from, FAR, EXTERNAL, 60)
        _kill(CONTROLLERS)
        assert set(asked.result()) == set(NODES)
    # The agent has to be back for exec; the name server never went.
    until(lambda: shop.ask("web")["web-1"], "the agent is back", 20)
    shop.serve("after")
    until(lambda: set(shop.ask("after")) <= set(NODES), "new Services are led to")
    rules = shop.at("cluster1-n2", "nft list tables | grep -c meshctl-services")
    assert rules == "1"
    assert shop.at("cluster1-n1", f"ip -4 addr show dev eth0 | grep -c {EXTERNAL}/32") == "1"
    shop.remove("Service", "after")


def test_a_name_server_that_dies_is_replaced(shop: Shop) -> None:
    _kill("dns-cluster1-n3")
    until(lambda: set(shop.ask("web")) <= set(NODES), "names are found again")


def test_a_node_that_comes_back_leads_to_services_again(shop: Shop) -> None:
    with control.connect(NAME) as sandbox:
        sandbox.run(["kill", "-9", str(sandbox.status()["hosts"]["cluster1-n2"]["pid"])])
    address = shop.spec("web")["clusterIP"]
    until(lambda: _quiet(lambda: set(shop.ask_from("cluster1-n2", address)) <= set(NODES)), "n2 is back", 20)


def _quiet(true: Callable[[], bool]) -> bool:
    try:
        return true()
    except control.SandboxError:
        return False


def _kill(program: str) -> None:
    with control.connect(NAME) as sandbox:
        sandbox.signal(program, signal.SIGKILL)
