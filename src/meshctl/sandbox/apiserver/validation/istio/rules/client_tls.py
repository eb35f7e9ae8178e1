"""Rules of TLS towards a service."""

from __future__ import annotations

from meshctl.sandbox.apiserver.validation.golang import quote
from meshctl.sandbox.apiserver.validation.istio.decoding import Record
from meshctl.sandbox.apiserver.validation.istio.problem import Problems, error

_CONFIG_MAP = "configmap://"


def client_tls(tls: Record | None, namespace: str) -> Problems:
    """`tls` of a traffic policy."""
    if tls is None:
        return
    yield from _config_map(tls.credentialName, namespace)
    if tls.insecureSkipVerify:
        yield from _unverified(tls)
    if tls.mode in ("SIMPLE", "MUTUAL") and tls.credentialName:
        if tls.clientCertificate or tls.caCertificates or tls.privateKey or tls.caCrl:
            yield error("cannot specify client certificates or CA certificate or CA CRL If credentialName is set")
    elif tls.mode == "MUTUAL":
        if not tls.clientCertificate:
            yield error("client certificate required for mutual tls")
        if not tls.privateKey:
            yield error("private key required for mutual tls")


def _unverified(tls: Record) -> Problems:
    names = bool(tls.subjectAltNames)
    if tls.mode == "SIMPLE" and (tls.caCertificates or tls.credentialName or names):
        fields = "CaCertificates or CredentialName or SubjectAltNames"
        yield error(f"cannot specify {fields} when InsecureSkipVerify is set true")
    if tls.mode == "MUTUAL" and (tls.caCertificates or names):
        yield error("cannot specify CaCertificates or SubjectAltNames when InsecureSkipVerify is set true")


def _config_map(name: str, namespace: str) -> Problems:
    if not name.startswith(_CONFIG_MAP):
        return
    owner, slash, _ = name.removeprefix(_CONFIG_MAP).partition("/")
    if slash and owner != namespace:
        wanted = f"namespace must match the configuration namespace {quote(namespace)}"
        yield error(f"invalid configmap:// credentialName: {wanted}")
