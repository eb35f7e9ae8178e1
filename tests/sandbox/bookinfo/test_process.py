import http.client
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sandbox.bookinfo.client import get

Start = Callable[..., tuple[subprocess.Popen[str], tuple[str, int]]]
COMMAND = [sys.executable, "-m", "meshctl.sandbox.bookinfo"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Runs a service as a process of its own; gives the process and its address."""
    running = []

    def run(service: str, **environment: str) -> tuple[subprocess.Popen[str], tuple[str, int]]:
        process = subprocess.Popen(
            [*COMMAND, service, "0"],
            env={**os.environ, "FAULT_PORT": "0", **environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        assert process.stdout is not None
        found = re.search(r"listens on port (\d+)", process.stdout.readline())
        assert found
        return process, ("127.0.0.1", int(found[1]))

    yield run
    for process in running:
        process.kill()
        process.communicate()


def test_a_service_runs_as_its_environment_says(start: Start) -> None:
    _, address = start("reviews", SERVICE_VERSION="v1", POD_NAME="pod-1", NODE_NAME="node-1", CLUSTER_NAME="c-1")
    reply = get(address, "/reviews/0")
    assert reply.json["podname"] == "pod-1"
    assert reply.headers["x-served-by"] == "reviews-v1; pod=pod-1; node=node-1; cluster=c-1"


def test_a_fault_can_be_there_from_the_start(start: Start) -> None:
    _, address = start("details", FAULT="status=418")
    assert get(address, "/details/0").status == 418


def test_requests_are_logged_but_health_checks_are_not(start: Start) -> None:
    process, address = start("details")
    for path in ("/health", "/details/0", "/details/x"):
        get(address, path)
    assert process.stdout is not None
    assert process.stdout.readline() == "GET /details/0 200\n"
    assert process.stdout.readline() == "GET /details/x 400\n"


def test_sigterm_serves_a_moment_longer_and_ends_with_zero(start: Start) -> None:
    process, address = start("ratings")
    process.send_signal(signal.SIGTERM)
    kept = http.client.HTTPConnection(*address, timeout=10)
    closing = False
    while not closing:
        kept.request("GET", "/ratings/0")
        answer = kept.getresponse()
        assert answer.read() and answer.status == 200
        closing = answer.getheader("connection") == "close"
    assert get(address, "/ratings/0").status == 200
    assert process.wait(20) == 0


def test_sigterm_does_not_wait_for_requests_that_hang(start: Start) -> None:
    process, address = start("ratings", FAULT="hang=true")

    def hang() -> None:
        with pytest.raises((OSError, http.client.HTTPException)):
            get(address, "/ratings/0")

    asking = threading.Thread(target=hang)
    asking.start()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    asking.join(10)


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["cart"], {}, "usage: python -m meshctl.sandbox.bookinfo productpage|details|reviews|ratings [PORT]"),
        (["details", "http"], {}, "usage:"),
        (["details"], {"FAULT": "status=x"}, 'details: status is "x", expected a number'),
        (["productpage"], {"FLOOD_FACTOR": "x"}, 'productpage: FLOOD_FACTOR is "x", expected a number such as 0'),
    ],
)
def test_a_wrong_call_is_explained(arguments: list[str], environment: dict[str, str], message: str) -> None:
    done = subprocess.run(
        [*COMMAND, *arguments], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr


def test_a_server_stays_small(start: Start) -> None:
    process, address = start("details")
    for _ in range(50):
        get(address, "/details/0")
    rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    (private,) = re.findall(r"^Private_Dirty: +(\d+) kB", rollup, re.M)
    assert int(private) < 10 * 1024
