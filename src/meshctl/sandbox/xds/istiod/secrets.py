"""The secrets that proxies get: their own certificate, the mesh's root, and a gateway's Kubernetes Secrets."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.xds.istiod.authority import Pair

Json = dict[str, Any]
SCHEME = "kubernetes://"
CA_SUFFIX = "-cacert"
_CERTIFICATES, _KEYS, _ROOTS = ("tls.crt", "cert"), ("tls.key", "key"), ("ca.crt", "cacert")


def certificate(name: str, pair: Pair) -> Json:
    """A certificate with its key."""
    return key_pair(name, pair.chain, pair.key)


def root(name: str, authorities: bytes) -> Json:
    """The authorities that peers are checked against."""
    return {"name": name, "validation_context": {"trusted_ca": {"inline_bytes": _text(authorities)}}}


def reference(resource: str, namespace: str) -> tuple[str, str, bool]:
    """Namespace and name of the Kubernetes Secret that `kubernetes://[NAMESPACE/]NAME` means, and whether its CA."""
    path = resource.removeprefix(SCHEME)
    owner, _, name = path.rpartition("/")
    return owner or namespace, name.removesuffix(CA_SUFFIX), name.endswith(CA_SUFFIX)


def credential(resource: str, secret: Mapping[str, Any], *, authority: bool) -> Json | None:
    """A Kubernetes Secret as Envoy's; None if it lacks what is asked for."""
    try:
        data = {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}
    except (binascii.Error, TypeError):
        return None
    if authority:
        found = _first(data, _ROOTS)
        return root(resource, found) if found else None
    chain, key = _first(data, _CERTIFICATES), _first(data, _KEYS)
    return key_pair(resource, chain, key) if chain and key else None


def _first(data: Mapping[str, bytes], names: tuple[str, ...]) -> bytes | None:
    return next((data[name] for name in names if data.get(name)), None)


def key_pair(name: str, chain: bytes, key: bytes) -> Json:
    """A certificate chain and its key, both PEM."""
    content = {"certificate_chain": {"inline_bytes": _text(chain)}, "private_key": {"inline_bytes": _text(key)}}
    return {"name": name, "tls_certificate": content}


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
