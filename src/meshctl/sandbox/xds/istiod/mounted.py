"""Certificates that a proxy's pod mounts as files, answered as Istio's agent beside the proxy would."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from meshctl.sandbox.xds.istiod import secrets
from meshctl.sandbox.xds.istiod.authentication import Identity
from meshctl.sandbox.xds.istiod.kinds import PROXY_CONTAINER, Object

ROOT_FILE, PAIR_FILES, OF_THE_SYSTEM = "file-root:", "file-cert:", "system"
# Where distributions keep the authorities that they trust (Istio security/pkg/util/util.go).
SYSTEM_ROOTS = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/cert.pem"),
)
Find = Callable[[str, str, str, str], Object | None]


def is_file(resource: str) -> bool:
    """Whether a secret's name means files of the pod."""
    return resource.startswith((ROOT_FILE, PAIR_FILES))


@dataclass(slots=True)
class Files:
    """`find`: an object by cluster, kind, namespace and name. `changed` is set at each change, and replaced."""

    find: Find
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def touch(self) -> None:
        """A Secret or the like changed."""
        self.changed.set()
        self.changed = asyncio.Event()

    def secret(self, resource: str, pod_name: str, who: Identity) -> dict[str, Any] | None:
        """The secret that a file name means in a pod; None as long as the file is not there."""
        kind, _, path = resource.partition(":")
        if f"{kind}:" == ROOT_FILE:
            found = _of_the_system() if path == OF_THE_SYSTEM else self._content(path, pod_name, who)
            return secrets.root(resource, found) if found else None
        chain, key = (self._content(one, pod_name, who) for one in (*path.split("~"), "")[:2])
        return secrets.key_pair(resource, chain, key) if chain and key else None

    def _content(self, path: str, pod_name: str, who: Identity) -> bytes | None:
        pod = self.find(who.cluster, "Pod", who.namespace, pod_name)
        if pod is None or pod["spec"].get("serviceAccountName", "default") != who.account:
            return None
        for secret_name, key in _sources(pod, PurePosixPath(path)):
            secret = self.find(who.cluster, "Secret", who.namespace, secret_name) or {}
            try:
                return base64.b64decode((secret.get("data") or {})[key])
            except (KeyError, binascii.Error):
                continue
        return None


def _of_the_system() -> bytes | None:
    return next((path.read_bytes() for path in SYSTEM_ROOTS if path.is_file()), None)


def _sources(pod: Object, path: PurePosixPath) -> Iterator[tuple[str, str]]:
    """Secret and key of the files that the proxy's container has at a path."""
    volumes = {volume["name"]: volume["secret"] for volume in pod["spec"].get("volumes") or () if volume.get("secret")}
    for container in pod["spec"].get("containers") or ():
        if container["name"] == PROXY_CONTAINER:
            for mount in container.get("volumeMounts") or ():
                inner = _inside(mount, path)
                if inner and mount["name"] in volumes:
                    yield from _keys(volumes[mount["name"]], inner)


def _inside(mount: Mapping[str, Any], path: PurePosixPath) -> str:
    """The path within the mounted volume; empty if it is elsewhere."""
    top = PurePosixPath(mount["mountPath"])
    sub = mount.get("subPath") or ""
    if path == top:
        return sub
    return str(PurePosixPath(sub) / path.relative_to(top)) if top in path.parents else ""


def _keys(volume: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    items = volume.get("items")
    keys = [path] if not items else [item["key"] for item in items if item["path"] == path]
    yield from ((volume["secretName"], key) for key in keys)
