"""Commands that look into the live mesh, as a person types them: a real API server, a node's agent, a real Envoy."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from meshctl.cli.endpoints import endpoints
from meshctl.cli.exec import execute
from meshctl.cli.logs import logs
from meshctl.cli.open import open_page
from meshctl.cli.proxy_config import proxy_config
from meshctl.cli.traffic import traffic
from meshctl.kube.access import Access
from meshctl.providers import choose
from tests.mesh import envoy
from tests.mesh.envoy import BEFORE, DISTRIBUTE, FAILOVER, PRODUCTPAGE
from tests.mesh.test_load import serving, well
from tests.sandbox.apiserver.kubelet import kubelet, node
from tests.sandbox.apiserver.process import Server

DETAILS = "outbound|9080||details.istio.svc.cluster.local"
REVIEWS = "outbound|9080|v1|reviews.istio.svc.cluster.local"
RATINGS = "outbound|9080||ratings.istio.svc.cluster.local"
AGENT = """\
#!/bin/sh
test "$1 $2" = "request GET" || exit 64
exec curl -sf "http://127.0.0.1:{port}/$3"
"""
POD, GATEWAY = "productpage-v1-5d6f-aaaaa", "istio-ingressgateway-77-bbbbb"


@dataclass(frozen=True)
class Stub:
    """A provider that knows the way into one cluster."""

    found: Mapping[str, Access]

    def forwarded(self) -> Mapping[str, Access]:
        return self.found

    def entrance(self, address: str, port: int) -> tuple[str, int]:
        return address, port


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Access]:
    """A cluster with two proxies, which are one Envoy."""
    folder = tmp_path_factory.mktemp("mesh")
    tables = {PRODUCTPAGE: BEFORE, DETAILS: DISTRIBUTE, REVIEWS: FAILOVER, RATINGS: []}
    with (
        pytest.MonkeyPatch.context() as patch,
        Server(folder / "server", pod_service_accounts=False, collects=False) as server,
        kubelet(server) as agent,
        envoy.running(folder / "envoy", tables) as port,
    ):
        program = folder / "bin" / "pilot-agent"
        program.parent.mkdir()
        program.write_text(AGENT.format(port=port))
        program.chmod(0o755)
        patch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        _fill(server, node(agent))
        certificate, key = server.authority.issue("person", "system:masters")
        yield Access(server.url, str(server.authority.file), str(certificate), str(key))


def _fill(server: Server, status: Mapping[str, object]) -> None:
    admin = server.client()
    admin.create("/api/v1/nodes", {"metadata": {"name": "n"}})
    admin.patch("/api/v1/nodes/n/status", {"status": status})
    for namespace in ("istio", "istio-system"):
        admin.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
    _pod(admin, "istio", POD, "productpage", ["productpage", "istio-proxy"])
    _pod(admin, "istio-system", GATEWAY, "istio-ingressgateway", ["istio-proxy"])
    spec = {"selector": {"istio": "ingressgateway"}, "type": "NodePort"}
    port = {"name": "http2", "port": 80, "nodePort": 31234}
    service = {"metadata": {"name": "istio-ingressgateway"}, "spec": {**spec, "ports": [port]}}
    admin.create("/api/v1/namespaces/istio-system/services", service)


def _pod(admin: Any, namespace: str, name: str, app: str, containers: list[str]) -> None:
    spec = {"nodeName": "n", "containers": [{"name": one, "image": "i"} for one in containers]}
    where = f"/api/v1/namespaces/{namespace}/pods"
    labels = {"app": app, "pod-template-hash": name.split("-")[-2]}
    owner = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": name.rpartition("-")[0],
        "uid": "1",
        "controller": True,
    }
    metadata = {"name": name, "labels": labels, "ownerReferences": [owner]}
    admin.create(where, {"metadata": metadata, "spec": spec})
    admin.patch(f"{where}/{name}/status", {"status": {"phase": "Running", "podIP": "127.0.0.1"}})


@pytest.fixture
def run(access: Access, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Type a command."""
    monkeypatch.setattr(choose, "provider", lambda _: Stub({"cluster1": access}))

    def typed(command: Callable[..., None], *arguments: str) -> Result:
        app = typer.Typer()
        app.command(context_settings={"allow_interspersed_args": True})(command)
        return CliRunner().invoke(app, [*arguments, "--preset", "classroom"])

    return typed


def rows(result: Result) -> list[list[str]]:
    assert result.exit_code == 0, result.exception
    return [line.split() for line in result.stdout.splitlines()]


def test_the_endpoint_table_is_envoys_own(run: Callable[..., Result]) -> None:
    found = rows(run(endpoints, POD, "--cluster-name", PRODUCTPAGE))
    assert found == [
        ["ENDPOINT", "STATUS", "OUTLIER", "CHECK", "LOCALITY", "PRIORITY", "WEIGHT", "GROUP", "CLUSTER"],
        ["172.20.2.10:9080", "HEALTHY", "OK", "us-central1/z1/sz01", "0", "2", "2", PRODUCTPAGE],
        ["192.168.229.101:15443", "HEALTHY", "OK", "us-central2/z2/sz02", "0", "2", "2", PRODUCTPAGE],
        ["192.168.229.102:15443", "HEALTHY", "OK", "us-central3/z3/sz03", "0", "2", "2", PRODUCTPAGE],
    ]


def test_a_group_that_a_rule_emptied_has_no_row(run: Callable[..., Result]) -> None:
    found = rows(run(endpoints, "deploy/istio-ingressgateway", "--cluster-name", "details"))
    assert found[1:] == [
        ["192.168.229.102:15443", "HEALTHY", "OK", "us-central3/z3/sz03", "0", "2", "100", DETAILS],
    ]


def test_priorities_order_the_table(run: Callable[..., Result]) -> None:
    found = json.loads(run(endpoints, f"{POD}.istio", "--cluster-name", "reviews", "-o", "json").stdout)
    assert found["proxy"] == f"cluster1/istio/{POD}"
    assert [(one["address"], one["priority"]) for one in found["endpoints"]] == [
        ("172.20.2.10:9080", 0),
        ("192.168.229.101:15443", 1),
        ("192.168.229.102:15443", 2),
    ]


def test_a_cluster_without_endpoints_is_not_an_unknown_one(run: Callable[..., Result]) -> None:
    assert run(endpoints, POD, "--cluster-name", "ratings").stdout == "no endpoints\n"
    refused = run(endpoints, POD, "--cluster-name", "rating")
    assert f"did you mean {RATINGS}" in str(refused.exception)


def test_proxy_config_has_the_shape_of_the_offline_one(run: Callable[..., Result]) -> None:
    found = json.loads(run(proxy_config, "cluster1/productpage-v1-5d6f-aaaaa", "-o", "json").stdout)
    resources = found[f"cluster1/istio/{POD}"]
    assert list(resources) == ["clusters", "endpoints", "listeners", "routes"]
    assert set(resources["clusters"]) == {PRODUCTPAGE, DETAILS, REVIEWS, RATINGS}
    assert resources["clusters"][PRODUCTPAGE]["name"] == PRODUCTPAGE
    assert "@type" not in resources["clusters"][PRODUCTPAGE]
    groups = resources["endpoints"][REVIEWS]["endpoints"]
    assert [group.get("priority", 0) for group in groups] == [0, 1, 2]


def test_proxy_config_of_all_proxies_prints_a_table_for_each(run: Callable[..., Result]) -> None:
    printed = run(proxy_config, "-t", "endpoints").stdout
    assert f"cluster1/istio/{POD} endpoints" in printed
    assert f"cluster1/istio-system/{GATEWAY} endpoints" in printed
    assert printed.count("192.168.229.102:15443") == 6


def test_an_unknown_proxy_is_answered_with_those_that_are_like_it(run: Callable[..., Result]) -> None:
    refused = run(endpoints, "productpage-v2")
    assert f"did you mean cluster1/istio/{POD}" in str(refused.exception)
    assert "cluster2" not in str(refused.exception)


def test_a_command_in_a_container_passes_its_exit_code_on(run: Callable[..., Result], capfd: Any) -> None:
    done = run(execute, POD, "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert done.exit_code == 7
    assert capfd.readouterr() == ("out\n", "err\n")


def test_logs_are_of_the_application_unless_another_is_named(run: Callable[..., Result]) -> None:
    assert run(logs, POD).stdout == "productpage \n"
    assert run(logs, POD, "-c", "istio-proxy", "--tail", "3").stdout == "istio-proxy tailLines=3\n"
    assert run(logs, POD, "-f").stdout == "productpage follow=true\n"
    assert "expected productpage or istio-proxy" in str(run(logs, POD, "-c", "nope").exception)


def test_traffic_from_a_pod_is_sent_by_its_curl_and_failures_are_results(run: Callable[..., Result]) -> None:
    with serving(well) as (url, seen):
        done = run(traffic, "--from", POD, "--url", url, "-n", "3", "-H", 'x-quote: "a\\b"', "-o", "json")
    found = json.loads(done.stdout)
    assert found["outcomes"] == {"200": 3}
    assert found["unseen"] == 3
    assert "does the mesh set accessLogFile?" in found["notes"][0]
    agents = sorted(line for head in seen for line in head.split(b"\r\n") if line.lower().startswith(b"user-agent"))
    assert [agent.rpartition(b"/")[2] for agent in agents] == [b"0", b"1", b"2"]
    assert all(b'x-quote: "a\\b"\r\n' in head for head in seen)
    refused = run(traffic, "--from", POD, "--url", url, "-n", "2", "-o", "json")
    assert json.loads(refused.stdout)["outcomes"] == {"refused": 2}


def test_traffic_out_of_bounds_is_refused_at_once(run: Callable[..., Result]) -> None:
    refused = run(traffic, "-n", "0", "--concurrency", "1000", "--path", "productpage")
    assert len(str(refused.exception).splitlines()) == 3


def test_the_page_is_printed(run: Callable[..., Result]) -> None:
    assert run(open_page, "--no-browser").stdout == "http://127.0.0.1:31234/productpage\n"
