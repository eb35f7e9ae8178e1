"""logs, exec and port-forward reach the node's agent, with every kubectl that is found: over SPDY and WebSocket."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.sandbox.apiserver.conversation.kubectls import kubectls
from tests.sandbox.apiserver.kubelet import Kubelet, kubelet, node
from tests.sandbox.apiserver.process import Server, free_port

PATIENCE = 20
VERSIONS = [*kubectls()]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), pod_service_accounts=False, collects=False) as one:
        yield one


@pytest.fixture(scope="module")
def agent(server: Server) -> Iterator[Kubelet]:
    admin = server.client()
    with kubelet(server) as made:
        admin.create("/api/v1/nodes", {"metadata": {"name": "n"}})
        admin.patch("/api/v1/nodes/n/status", {"status": node(made)})
        spec = {"nodeName": "n", "containers": [{"name": "c", "image": "i"}, {"name": "absent", "image": "i"}]}
        pods = "/api/v1/namespaces/default/pods"
        annotations = {"kubectl.kubernetes.io/default-container": "c"}
        admin.create(pods, {"metadata": {"name": "p", "annotations": annotations}, "spec": spec})
        admin.patch(f"{pods}/p/status", {"status": {"phase": "Running"}})
        yield made


@pytest.fixture(scope="module")
def kubeconfig(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return server.kubeconfig(tmp_path_factory.mktemp("kube") / "config", {"token": "admin-token"})


class Typed:
    """One kubectl."""

    def __init__(self, version: str, kubeconfig: Path) -> None:
        self.command = [str(kubectls()[version]), "--kubeconfig", str(kubeconfig)]

    def __call__(self, *words: str, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
        done = subprocess.run([*self.command, *words], input=stdin, capture_output=True, timeout=PATIENCE, check=False)
        return done.returncode, done.stdout, done.stderr


@pytest.fixture(params=VERSIONS)
def kubectl(request: pytest.FixtureRequest, kubeconfig: Path, agent: Kubelet) -> Typed:
    return Typed(request.param, kubeconfig)


def test_exec_passes_outputs_and_exit_code(kubectl: Typed, agent: Kubelet) -> None:
    code, out, err = kubectl("exec", "p", "-c", "c", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (code, out) == (3, b"out\n")
    assert err.splitlines() == [b"err", b"command terminated with exit code 3"]
    assert any("kube-apiserver" in peer for peer in agent.peers)


def test_exec_passes_input_to_its_end(kubectl: Typed) -> None:
    lots = b"0123456789abcdef" * 20_000
    assert kubectl("exec", "-i", "p", "-c", "c", "--", "cat", stdin=lots) == (0, lots, b"")


def test_exec_names_why_it_cannot_be(kubectl: Typed) -> None:
    code, _, err = kubectl("exec", "p", "-c", "absent", "--", "true")
    assert code == 1
    assert b"container not found" in err


def test_port_forward_serves_connections(kubectl: Typed) -> None:
    with website() as port, forwarded(kubectl, port) as local:
        answers = [urllib.request.urlopen(f"http://127.0.0.1:{local}/{n}", timeout=PATIENCE).read() for n in range(3)]
    assert answers == [f"/{n} ".encode() * 10_000 for n in range(3)]


def test_port_forward_says_that_nobody_listens(kubectl: Typed) -> None:
    with forwarded(kubectl, free_port()) as local, socket.create_connection(("127.0.0.1", local)) as line:
        line.settimeout(PATIENCE)
        assert line.recv(1) == b""


def test_logs_pass_their_parameters(kubeconfig: Path, agent: Kubelet) -> None:
    done = Typed(VERSIONS[-1], kubeconfig)("logs", "p", "-c", "c", "--tail", "5", "--timestamps")
    assert done == (0, b"c timestamps=true&tailLines=5\n", b"")


@contextmanager
def website() -> Iterator[int]:
    """The port of a server of long pages on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"{self.path} ".encode() * 10_000)

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def forwarded(kubectl: Typed, port: int) -> Iterator[int]:
    """The local port of a kubectl port-forward that runs meanwhile."""
    command = [*kubectl.command, "port-forward", "pod/p", f":{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout
            found = re.search(rb"127\.0\.0\.1:(\d+)", process.stdout.readline())
            assert found, "port-forward does not say where it listens"
            yield int(found[1])
        finally:
            process.terminate()
            process.communicate()
