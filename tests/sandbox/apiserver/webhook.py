"""A webhook on loopback, over TLS, that answers as a test tells it and remembers what it was asked."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.sandbox.apiserver.process import write_key

Object = dict[str, Any]
Reply = Callable[[Object], Object]
NAME = "hook.default.svc"


def allowed(_: Object) -> Object:
    return {"allowed": True}


def patched(*operations: Object) -> Reply:
    """Allow, with a JSON patch."""
    patch = base64.b64encode(json.dumps(operations).encode()).decode()
    return lambda _: {"allowed": True, "patchType": "JSONPatch", "patch": patch}


@dataclass
class Webhook:
    """`replies` by path; `asked` holds path and request of each call. `authority` is its own certificate, base64."""

    address: str
    port: int
    authority: str
    replies: dict[str, Reply] = field(default_factory=dict)
    asked: list[tuple[str, Object]] = field(default_factory=list)

    def client_config(self, path: str) -> Object:
        """Its service."""
        service = {"name": "hook", "namespace": "default", "path": path, "port": self.port}
        return {"service": service, "caBundle": self.authority}

    def answer(self, path: str, review: Object) -> tuple[int, bytes]:
        """HTTP status and body for a request."""
        path, request = path.partition("?")[0], review["request"]
        self.asked.append((path, request))
        if path not in self.replies:
            return 404, b"404 page not found"
        response = {"uid": request["uid"]} | self.replies[path](request)
        return 200, json.dumps({key: review[key] for key in ("apiVersion", "kind")} | {"response": response}).encode()


@contextmanager
def webhook(directory: Path, address: str) -> Iterator[Webhook]:
    """Serve on an address of loopback."""
    certificate, key = _files(directory)
    made = Webhook(address, 0, base64.b64encode(certificate.read_bytes()).decode())

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = made.answer(self.path, json.loads(body))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer((address, 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _files(directory: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    directory.mkdir(exist_ok=True)
    files = directory / "hook.crt", directory / "hook.key"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    write_key(files[1], key)
    return files
