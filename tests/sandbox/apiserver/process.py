"""A real API server in a process of its own, on loopback, with TLS, tokens and client certificates."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any

import urllib3
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM
TOKENS = {"admin": ("1", "system:masters"), "reader": ("2", "readers"), "nobody": ("3", "")}
PATIENCE = 30.0

Answer = tuple[int, Any]


class Authority:
    """A certificate authority in a directory."""

    def __init__(self, directory: Path, name: str = "kubernetes") -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._certificate = self._issued(self._name, self._key.public_key(), authority=True)
        self.file = directory / "ca.crt"
        self.file.write_bytes(self._certificate.public_bytes(PEM))

    def _issued(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        authority: bool = False,
        lifetime: timedelta = timedelta(days=1),
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(
            subject_name=subject,
            issuer_name=self._name,
            public_key=key,
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(days=2),
            not_valid_after=now + lifetime,
        ).add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        if not authority:
            names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def issue(self, name: str, *organizations: str, lifetime: timedelta = timedelta(days=1)) -> tuple[Path, Path]:
        """Files of a certificate for that common name, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        parts = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        parts += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, one) for one in organizations]
        certificate = self._issued(x509.Name(parts), key.public_key(), lifetime=lifetime)
        files = self.directory / f"{name}.crt", self.directory / f"{name}.key"
        files[0].write_bytes(certificate.public_bytes(PEM))
        write_key(files[1], key)
        return files


def write_key(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    """A private key as PEM."""
    form = serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(PEM, form, serialization.NoEncryption()))


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Server(AbstractContextManager["Server"]):
    """The server; `settings` are added to its configuration. Its data survives `kill` and `start`."""

    def __init__(self, directory: Path, **settings: object) -> None:
        self.directory = directory
        self.authority = Authority(directory)
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.config = directory / "config.yaml"
        self._process: subprocess.Popen[bytes] | None = None
        self._write(settings)

    def _write(self, settings: Mapping[str, object]) -> None:
        certificate, key = self.authority.issue("kube-apiserver")
        write_key(self.directory / "sa.key", rsa.generate_private_key(public_exponent=65537, key_size=2048))
        lines = [f'{name}-token,{name},{uid},"{groups}"\n' for name, (uid, groups) in TOKENS.items()]
        (self.directory / "tokens.csv").write_text("".join(lines))
        own = {
            "port": self.port,
            "data_dir": "data",
            "client_ca": "ca.crt",
            "serving_cert": certificate.name,
            "serving_key": key.name,
            "service_account_key": "sa.key",
            "token_file": "tokens.csv",
        }
        self.config.write_text(yaml.safe_dump(own | dict(settings)))

    def start(self) -> Server:
        """Run it, and return when it is ready."""
        with (self.directory / "log").open("ab") as log:
            command = [sys.executable, "-m", "meshctl.sandbox.apiserver", "--config", str(self.config)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        with self.pool() as pool:
            while not self._is_ready(pool):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"the server did not start:\n{self.log()}")
                time.sleep(0.02)
        return self

    def _is_ready(self, pool: urllib3.PoolManager) -> bool:
        try:
            return pool.request("GET", f"{self.url}/readyz", retries=False).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def log(self) -> str:
        """What it has said."""
        return (self.directory / "log").read_text()

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process is not None
        return self._process.pid

    def signal(self, number: int) -> None:
        """Send the process a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a crash would."""
        self.signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()

    def pool(self, certificate: tuple[Path, Path] | None = None) -> urllib3.PoolManager:
        """Connections that trust its authority."""
        context = ssl.create_default_context(cafile=str(self.authority.file))
        if certificate:
            context.load_cert_chain(*certificate)
        return urllib3.PoolManager(ssl_context=context, maxsize=8)

    def client(self, user: str = "admin") -> Client:
        """Requests with a user's token."""
        return Client(self, self.pool(), {"Authorization": f"Bearer {user}-token"})

    def kubeconfig(self, path: Path, user: Mapping[str, object]) -> Path:
        """A kubeconfig for one user entry."""
        authority = base64.b64encode(self.authority.file.read_bytes()).decode()
        cluster = {"server": self.url, "certificate-authority-data": authority}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": dict(user)}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        path.write_text(yaml.safe_dump(content))
        return path


@contextmanager
def controllers(server: Server) -> Iterator[None]:
    """The cluster's controllers, without a node."""
    certificate, key = server.authority.issue("controllers", "system:masters")
    settings = {
        "server": server.url,
        "authority": str(server.authority.file),
        "certificate": str(certificate),
        "key": str(key),
        "account_key": str(server.directory / "sa.key"),
        "nodes": [],
    }
    path = server.directory / "controllers.json"
    path.write_text(json.dumps(settings))
    command = [sys.executable, "-m", "meshctl.sandbox.controllers", "--config", str(path)]
    with (server.directory / "controllers.log").open("ab") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            yield
        finally:
            process.terminate()


class Client:
    """JSON over HTTPS."""

    def __init__(self, server: Server, pool: urllib3.PoolManager, headers: Mapping[str, str]) -> None:
        self._server = server
        self._pool = pool
        self._headers = dict(headers)

    def raw(
        self, method: str, path: str, body: bytes | str | None = None, stream: bool = False, **headers: str
    ) -> urllib3.BaseHTTPResponse:
        """A request with JSON in mind; underscores in header names stand for hyphens."""
        given = {"Accept": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send(method, path, body, given, stream)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | str | None,
        headers: Mapping[str, str],
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        """A request as it is."""
        return self._pool.request(
            method,
            self._server.url + path,
            body=body,
            headers=self._headers | dict(headers),
            retries=False,
            redirect=False,
            preload_content=not stream,
            timeout=60,
        )

    def call(self, method: str, path: str, body: object = None, kind: str = "application/json") -> Answer:
        """The status and the parsed answer."""
        data = None if body is None else json.dumps(body)
        answer = self.raw(method, path, data, Content_Type=kind)
        return answer.status, json.loads(answer.data) if answer.data else None

    def get(self, path: str) -> Any:
        """The object at a path, which must be there."""
        status, body = self.call("GET", path)
        assert status == 200, body
        return body

    def create(self, path: str, obj: object) -> Any:
        """The object as created."""
        status, body = self.call("POST", path, obj)
        assert status == 201, body
        return body

    def patch(self, path: str, change: object, kind: str = "application/merge-patch+json") -> Any:
        """The object as patched."""
        status, body = self.call("PATCH", path, change, kind)
        assert status == 200, body
        return body
