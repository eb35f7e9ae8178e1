"""Certificates as files: what a pod's istio-proxy container mounts is answered by path, and nothing else."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from meshctl.sandbox.xds.istiod.authentication import Identity
from meshctl.sandbox.xds.istiod.kinds import KUBERNETES, PROXY_CONTAINER, Object
from meshctl.sandbox.xds.istiod.mounted import Files

GATEWAY = Identity("cluster1", "istio-system", "gateway")
PODS = next(kind for kind in KUBERNETES if kind.name == "Pod")
VOLUMES = [
    {"name": "certs", "secret": {"secretName": "client"}},
    {"name": "some", "secret": {"secretName": "client", "items": [{"key": "ca.crt", "path": "deep/root.pem"}]}},
    {"name": "work", "emptyDir": {}},
]
MOUNTS = [
    {"name": "certs", "mountPath": "/etc/certs"},
    {"name": "some", "mountPath": "/etc/some"},
    {"name": "certs", "mountPath": "/etc/one.pem", "subPath": "ca.crt"},
    {"name": "work", "mountPath": "/var/work"},
]


def pod(container: str = PROXY_CONTAINER) -> Object:
    spec = {
        "serviceAccountName": "gateway",
        "volumes": VOLUMES,
        "containers": [{"name": container, "image": "proxyv2", "volumeMounts": MOUNTS}],
    }
    return PODS.kept({"metadata": {"name": "gateway-1", "namespace": "istio-system"}, "spec": spec})


def files(of: Object | None = None, **data: bytes) -> Files:
    contents = data or {"tls.crt": b"chain", "tls.key": b"key", "ca.crt": b"root"}
    secret = {"data": {key: base64.b64encode(content).decode() for key, content in contents.items()}}
    objects = {("Pod", "gateway-1"): of or pod(), ("Secret", "client"): secret}
    return Files(lambda cluster, kind, namespace, name: objects.get((kind, name)))


def content(found: dict[str, Any] | None, *path: str) -> bytes:
    part: Any = found
    for name in (*path, "inline_bytes"):
        part = part[name]
    return base64.b64decode(part)


@pytest.mark.parametrize("path", ["/etc/certs/ca.crt", "/etc/some/deep/root.pem", "/etc/one.pem"])
def test_a_root_is_found_by_its_path(path: str) -> None:
    found = files().secret(f"file-root:{path}", "gateway-1", GATEWAY)
    assert found and found["name"] == f"file-root:{path}"
    assert content(found, "validation_context", "trusted_ca") == b"root"


def test_a_certificate_comes_with_its_key() -> None:
    found = files().secret("file-cert:/etc/certs/tls.crt~/etc/certs/tls.key", "gateway-1", GATEWAY)
    assert content(found, "tls_certificate", "certificate_chain") == b"chain"
    assert content(found, "tls_certificate", "private_key") == b"key"


@pytest.mark.parametrize(
    "name",
    ["file-root:/etc/certs", "file-root:/etc/some/ca.crt", "file-root:/var/work/x", "file-cert:/etc/certs/tls.crt"],
)
def test_what_is_not_there_is_not_answered(name: str) -> None:
    assert files().secret(name, "gateway-1", GATEWAY) is None


def test_another_containers_or_accounts_files_are_not_shown() -> None:
    name = "file-root:/etc/certs/ca.crt"
    assert files(pod("app")).secret(name, "gateway-1", GATEWAY) is None
    assert files().secret(name, "gateway-1", Identity("cluster1", "istio-system", "other")) is None
    assert files().secret(name, "gateway-2", GATEWAY) is None


def test_the_systems_authorities_are_those_of_the_host() -> None:
    found = files().secret("file-root:system", "", GATEWAY)
    assert found and b"BEGIN CERTIFICATE" in content(found, "validation_context", "trusted_ca")
