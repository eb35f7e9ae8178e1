"""Pods that answer with their address, plainly or in TLS, some of them with errors; and places where nobody answers."""

from __future__ import annotations

import asyncio
import datetime
import random
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .envoy_config import Ports


class StubPods:
    """Every address of 127.0.0.0/8 is a pod; `failing`: the share of requests answered with an error, and its status.

    As a context: they answer. `ports` says where.
    """

    def __init__(self, failing: Mapping[str, tuple[float, int]], silent: Iterable[str], folder: Path) -> None:
        self.failing = failing
        self.silent = set(silent)
        self.folder = folder
        self.dice = random.Random(7)
        self.tasks: set[asyncio.Task[None]] = set()
        self.stack = AsyncExitStack()

    async def __aenter__(self) -> Ports:
        plain = await self._serve(None)
        tls = await self._serve(certified(self.folder))
        gateways, closed, silent = (_free_port() for _ in range(3))
        for address in self.silent:
            self.stack.enter_context(swallowing(address, silent))
        return Ports(plain, tls, gateways, closed, silent)

    async def __aexit__(self, *_: object) -> None:
        await self.stack.aclose()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _serve(self, context: ssl.SSLContext | None) -> int:
        server = await asyncio.start_server(self._accept, "0.0.0.0", 0, ssl=context)
        self.stack.callback(server.close)
        return int(server.sockets[0].getsockname()[1])

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._answer(reader, writer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = writer.get_extra_info("sockname")[0]
        rate, status = self.failing.get(address, (0.0, 500))
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                code = status if self.dice.random() < rate else 200
                writer.write(b"HTTP/1.1 %d x\r\ncontent-length: %d\r\n\r\n%s" % (code, len(address), address.encode()))
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.transport.abort()


def certified(folder: Path) -> ssl.SSLContext:
    """A server's end of TLS, with a certificate that nobody looks at."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pod")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
    certificate = builder.not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    file = folder / "pod.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.touch(0o600)
    file.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@contextmanager
def swallowing(address: str, port: int) -> Iterator[None]:
    """An address where connections come to nothing: a listener whose queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with suppress(BlockingIOError):
                filler.connect((address, port))
        yield


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
