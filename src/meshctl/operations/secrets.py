"""Secrets whose content lies elsewhere when a deploy runs: in the certificates' folder, in another cluster."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from meshctl.kube.access import Access
from meshctl.kube.client import Client
from meshctl.render import cacerts, reader, remote_secret
from meshctl.render.manifest import Manifest


def signing(folder: str | None) -> list[Manifest]:
    """The Secret `cacerts` from a cluster's certificates; its values are empty while these are still to be made."""
    return [cacerts.secret({name: _read(Path(folder) / name) for name in cacerts.FILES})] if folder else []


def root(folder: str | None) -> str:
    """The mesh's root certificate in PEM; empty while it is still to be made."""
    return _read(Path(folder) / "root-cert.pem").decode() if folder else ""


def remote(clusters: Sequence[Mapping[str, Any]]) -> list[Manifest]:
    """The remote secret of each of `clusters` (`name`, `access`); a token that isn't there yet is left empty."""
    return [_remote(one["name"], Access(**one["access"])) for one in clusters]


def _remote(cluster: str, access: Access) -> Manifest:
    live = Client(access).get(reader.token_secret()) or {}
    token = b64decode((live.get("data") or {}).get("token", "")).decode()
    return remote_secret.secret(cluster, access.server, Path(access.authority).read_bytes(), token)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
