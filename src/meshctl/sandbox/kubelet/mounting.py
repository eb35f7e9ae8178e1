"""A pod's volumes: filled, kept up to date, and mounted into its containers."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from meshctl.sandbox.kubelet import payload, volumes
from meshctl.sandbox.kubelet.expansion import expand
from meshctl.sandbox.kubelet.files import PodFiles
from meshctl.sandbox.kubelet.node import Ground
from meshctl.sandbox.kubelet.payload import File
from meshctl.sandbox.kubelet.volumes import TokenRequest
from meshctl.sandbox.wire import Mount

Object = Mapping[str, Any]
# The kubelet renews a token after four fifths of its life.
RENEWAL = 0.8


class Volumes:
    """The volumes of one pod."""

    def __init__(self, ground: Ground, files: PodFiles) -> None:
        self._ground = ground
        self._files = files
        self._tokens: dict[tuple[str, int], tuple[str, float]] = {}

    async def fill(self, pod: Object) -> None:
        """Bring every volume up to date; MissingConfig names what is not there yet."""
        for name, volume in volumes.by_name(pod).items():
            folder = self._files.volume(name)
            if volumes.is_folder(volume):
                if not folder.exists():
                    folder.mkdir(parents=True)
                    folder.chmod(0o777)
                continue
            found = volumes.files(volume, pod, self._ground.objects.get)
            for wanted in volumes.tokens(volume):
                user, group, mode = volumes.owner(pod)
                token = await self.token(pod, wanted)
                found[wanted.path] = File(token.encode(), mode, user, group)
            payload.write(folder, found)

    async def token(self, pod: Object, wanted: TokenRequest) -> str:
        """A token of the pod's account that is good for a while yet; ApiFault."""
        key = wanted.audience, wanted.seconds
        token, renewal = self._tokens.get(key, ("", 0.0))
        if not token or time.time() > renewal:
            token, renewal = await self._ask(pod, wanted)
            self._tokens[key] = token, renewal
        return token

    async def _ask(self, pod: Object, wanted: TokenRequest) -> tuple[str, float]:
        metadata = pod["metadata"]
        account = pod["spec"].get("serviceAccountName") or "default"
        bound = {"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]}
        spec: dict[str, Any] = {"expirationSeconds": wanted.seconds, "boundObjectRef": bound}
        if wanted.audience:
            spec["audiences"] = [wanted.audience]
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        path = f"/api/v1/namespaces/{metadata['namespace']}/serviceaccounts/{account}/token"
        answer = (await self._ground.api.ask("POST", path, body))["status"]
        expires = datetime.fromisoformat(answer["expirationTimestamp"]).timestamp()
        return answer["token"], time.time() + (expires - time.time()) * RENEWAL

    def mounts(self, pod: Object, container: Object, variables: Mapping[str, str]) -> tuple[Mount, ...]:
        """The container's, those of outer folders first."""
        found = list(self._files.settings())
        stated = volumes.by_name(pod)
        for one in container.get("volumeMounts") or ():
            volume = stated[one["name"]]
            source = self._files.volume(one["name"])
            below = one.get("subPath") or expand(one.get("subPathExpr") or "", variables)
            if below:
                source = _below(source, below, volumes.is_folder(volume))
            read_only = bool(one.get("readOnly")) or not volumes.is_folder(volume)
            found.append(Mount(str(source), os.path.normpath(one["mountPath"]), read_only))
        return tuple(sorted(found, key=lambda one: one.target.count("/")))


def _below(source: Path, below: str, folder: bool) -> Path:
    target = source / below
    if folder:
        target.mkdir(parents=True, exist_ok=True)
    # A file of a Secret is mounted as it is now: its link would lead out of the mount.
    found = target.resolve()
    if not found.is_relative_to(source.resolve()):
        raise ValueError(f"subPath {below} leads out of its volume")
    return found
