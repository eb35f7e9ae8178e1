"""Envoy's admin interface, asked from inside the pod by `pilot-agent request`, as istioctl does."""

from __future__ import annotations

import json
from typing import Any

from meshctl.errors import MeshctlError
from meshctl.kube import execution
from meshctl.kube.client import ApiError
from meshctl.mesh.clusters import Mesh
from meshctl.mesh.pod import PROXY, Pod

Json = dict[str, Any]
SECONDS = 30.0


class NoAnswer(MeshctlError):
    """A proxy could not be asked; the text names it and says why."""


def ask(mesh: Mesh, proxy: Pod, path: str, method: str = "GET") -> bytes:
    """What the admin interface answers; NoAnswer if it can't be reached or refuses."""
    words = ("pilot-agent", "request", method, path)
    try:
        ended = execution.run(mesh.accesses[proxy.cluster], proxy.path, PROXY, words, seconds=SECONDS)
    except ApiError as error:
        raise NoAnswer(f"{proxy.full_name}: Envoy can't be asked: {error}") from None
    if ended.code:
        said = ended.error.decode(errors="replace").strip() or f"exit code {ended.code}"
        raise NoAnswer(f"{proxy.full_name}: Envoy's admin interface: {said}")
    return ended.output


def config_dump(mesh: Mesh, proxy: Pod) -> Json:
    """The whole configuration, endpoints included; NoAnswer."""
    return _json(proxy, ask(mesh, proxy, "config_dump?include_eds"))


def endpoints_dump(mesh: Mesh, proxy: Pod) -> Json:
    """The endpoints alone, of the configuration; NoAnswer."""
    try:
        return _json(proxy, ask(mesh, proxy, "config_dump?include_eds&resource=dynamic_endpoint_configs"))
    except NoAnswer:
        # Envoy answers with an error where there is none of a resource.
        return config_dump(mesh, proxy)


def clusters(mesh: Mesh, proxy: Pod) -> Json:
    """Every cluster with its hosts, their health and counters; NoAnswer."""
    return _json(proxy, ask(mesh, proxy, "clusters?format=json"))


def _json(proxy: Pod, content: bytes) -> Json:
    try:
        found = json.loads(content)
    except ValueError:
        said = content[:100].decode(errors="replace").strip()
        raise NoAnswer(f"{proxy.full_name}: Envoy's admin interface: expected JSON, got {said!r}") from None
    return dict(found)
