"""The Secret from which istiod takes its signing certificate."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

from meshctl.render.manifest import ISTIO_SYSTEM, Manifest, manifest

NAME = "cacerts"
FILES = ("ca-cert.pem", "ca-key.pem", "root-cert.pem", "cert-chain.pem")


def secret(pem: Mapping[str, bytes]) -> Manifest:
    """Secret `cacerts` from the PEM of the four files by name; KeyError if one is missing.

    A partial bundle stops istiod (pilot/pkg/bootstrap/istio_ca.go, Istio 1.31).
    """
    data = {name: b64encode(pem[name]).decode() for name in FILES}
    return manifest("v1", "Secret", NAME, ISTIO_SYSTEM, type="Opaque", data=data)
