"""The files of one cluster, in its folder of the sandbox's state."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from meshctl.kube.access import Access
from meshctl.sandbox.paths import Paths


@dataclass(frozen=True, slots=True)
class Files:
    """A cluster's folder and what lies in it; keys are readable by their owner alone."""

    folder: Path

    @property
    def authority(self) -> Path:
        """The certificate authority of the server and of its clients."""
        return self.folder / "ca.crt"

    @property
    def config(self) -> Path:
        """The API server's configuration; written last, it says that all else is there."""
        return self.folder / "apiserver.json"

    @property
    def controllers(self) -> Path:
        """The controllers' configuration."""
        return self.folder / "controllers.json"

    @property
    def data(self) -> Path:
        """The API server's store."""
        return self.folder / "data"

    @property
    def account_key(self) -> Path:
        """The RSA key that signs service accounts' tokens."""
        return self.folder / "service-account.key"

    def certificate(self, name: str) -> Path:
        """A certificate: `serving`, `admin` or `controllers`."""
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        """The key of a certificate."""
        return self.folder / f"{name}.key"

    def access(self, server: str, client: str = "admin") -> Access:
        """How a client reaches the server at that URL."""
        return Access(server, str(self.authority), str(self.certificate(client)), str(self.key(client)))


def of(where: Paths, cluster: str) -> Files:
    """The files of a cluster of a sandbox."""
    return Files(where.folder / "clusters" / cluster)


def write(path: Path, content: bytes) -> None:
    """Put a file in place as a whole, readable by its owner alone from its first byte."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
