"""The Kubernetes API server of the sandbox: latency, throughput and memory with 10 and with 10,000 objects."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from statistics import median
from typing import Any

import urllib3

from meshctl.sandbox.clusters import certificates
from meshctl.sandbox.clusters.files import Files

MAPS = "/api/v1/namespaces/default/configmaps"
IDLE_MIB = 50
REQUESTS = 300


def run() -> None:
    """Print milliseconds of one request after the other, and requests a second."""
    with _server() as (process, client):
        print(f"API server, idle: {_mib(process):.1f} MiB (PSS)   target {IDLE_MIB} MiB")
        made = 0
        for objects in (10, 10_000):
            made = _fill(client, made, objects)
            print(f"with {objects:,} objects, {_mib(process):.1f} MiB")
            for name, work in _requests(client).items():
                times = _times(work, 20 if name == "list" else REQUESTS)
                print(f"  {name:<22} {median(times) * 1000:8.2f} ms   {len(times) / sum(times):8.0f} a second")
            delays = [_until_watched(client) for _ in range(100)]
            print(f"  {'seen by a watcher':<22} {median(delays) * 1000:8.2f} ms")


class Client:
    """Requests over one connection."""

    def __init__(self, port: int, files: Files) -> None:
        self.url = f"https://127.0.0.1:{port}"
        context = ssl.create_default_context(cafile=str(files.authority))
        context.load_cert_chain(files.certificate("admin"), files.key("admin"))
        self.pool = urllib3.PoolManager(ssl_context=context, retries=False)

    def ask(self, method: str, path: str, body: object = None, kind: str = "application/json", **more: Any) -> Any:
        """The answer, whole unless `preload_content` is false."""
        data = None if body is None else json.dumps(body)
        return self.pool.request(method, self.url + path, body=data, headers={"Content-Type": kind}, **more)


@contextmanager
def _server() -> Iterator[tuple[subprocess.Popen[bytes], Client]]:
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        files = Files(Path(folder))
        certificates.make(files, [IPv4Address("127.0.0.1")], ["localhost"])
        files.config.write_text(json.dumps(_settings(files, port)))
        argv = [sys.executable, "-m", "meshctl.sandbox.apiserver", "--config", str(files.config)]
        with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as process:
            try:
                client = Client(port, files)
                _await(client)
                yield process, client
            finally:
                process.terminate()


def _settings(files: Files, port: int) -> dict[str, object]:
    paths = {
        "data_dir": files.data,
        "client_ca": files.authority,
        "serving_cert": files.certificate("serving"),
        "serving_key": files.key("serving"),
        "service_account_key": files.account_key,
    }
    return {**{name: str(path) for name, path in paths.items()}, "port": port}


def _await(client: Client) -> None:
    for _ in range(1000):
        try:
            if client.ask("GET", "/readyz").status == 200:
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.01)
    raise SystemExit("the API server does not come up")


def _fill(client: Client, made: int, wanted: int) -> int:
    for number in range(made, wanted):
        client.ask("POST", MAPS, _map(f"m{number}"))
    return wanted


def _map(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"app": "bench"}}, "data": {"key": "value" * 20}}


def _requests(client: Client) -> dict[str, Callable[[], None]]:
    numbers = iter(range(10**9))

    def made() -> None:
        name = f"new-{next(numbers)}-{time.monotonic_ns()}"
        client.ask("POST", MAPS, _map(name))

    def patched() -> None:
        change = {"data": {"key": str(next(numbers))}}
        client.ask("PATCH", f"{MAPS}/m1", change, "application/merge-patch+json")

    return {
        "get": lambda: client.ask("GET", f"{MAPS}/m1"),
        "create": made,
        "patch": patched,
        "list": lambda: client.ask("GET", f"{MAPS}?limit=500"),
        "list, one by its label": lambda: client.ask("GET", f"{MAPS}?fieldSelector=metadata.name=m1"),
    }


def _times(work: Callable[[], None], times: int) -> list[float]:
    found = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        found.append(time.perf_counter() - begin)
    return found


def _until_watched(client: Client) -> float:
    """From sending a change to reading its event."""
    version = json.loads(client.ask("GET", f"{MAPS}/m1").data)["metadata"]["resourceVersion"]
    query = f"watch=true&resourceVersion={version}&fieldSelector=metadata.name=m1&timeoutSeconds=5"
    follower = client.ask("GET", f"{MAPS}?{query}", preload_content=False)
    begin = time.perf_counter()
    client.ask("PATCH", f"{MAPS}/m1", {"data": {"key": str(begin)}}, "application/merge-patch+json")
    next(follower.stream(amt=None))
    delay = time.perf_counter() - begin
    follower.close()
    return delay


def _mib(process: subprocess.Popen[bytes]) -> float:
    lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1024
