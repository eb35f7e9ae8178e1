"""Rules of TLS towards clients."""

from __future__ import annotations

from collections.abc import Sequence

from meshctl.sandbox.apiserver.validation.golang import shown
from meshctl.sandbox.apiserver.validation.istio.decoding import Record
from meshctl.sandbox.apiserver.validation.istio.problem import Problems, error, warning

_CIPHERS = frozenset(
    [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-ECDSA-AES128-SHA",
        "ECDHE-RSA-AES128-SHA",
        "ECDHE-ECDSA-AES256-SHA",
        "ECDHE-RSA-AES256-SHA",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
        "AES128-SHA",
        "AES256-SHA",
        "DES-CBC3-SHA",
    ]
)
_UNSHARED = {
    "serverCertificate": "server certificate",
    "privateKey": "private key",
    "caCertificates": "CA bundle",
    "tlsCertificates": "tlsCertificates",
    "credentialName": "credentialName",
    "credentialNames": "credentialNames",
}
PASSTHROUGH = ("PASSTHROUGH", "AUTO_PASSTHROUGH")
_TERMINATING = ("SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL")


def server_tls(tls: Record | None) -> Problems:
    """`tls` of a gateway's server or of a sidecar's ingress listener."""
    if tls is None:
        return
    if tls.minProtocolVersion in ("TLSV1_0", "TLSV1_1") and not tls.cipherSuites:
        reason = "by default they no longer include compatible ciphers."
        yield warning(f"TLS version below TLSV1_2 require setting compatible ciphers as {reason}")
    yield from _ciphers(tls.cipherSuites)
    if tls.mode == "ISTIO_MUTUAL":
        for field, about in _UNSHARED.items():
            if tls[field]:
                yield error(f"ISTIO_MUTUAL TLS cannot have associated {about}")
        return
    if tls.mode in PASSTHROUGH and (tls.caCrl or any(tls[field] for field in _UNSHARED)):
        yield warning(f"{tls.mode} mode does not use certificates, they will be ignored")
    yield from _sources(tls)
    if not (tls.mode in _TERMINATING and (tls.credentialName or tls.credentialNames)):
        yield from _files(tls)


def _ciphers(suites: Sequence[str]) -> Problems:
    invalid = sorted({suite for suite in suites if not _is_cipher(suite)})
    repeated = sorted({suite for suite in suites if _is_cipher(suite) and suites.count(suite) > 1})
    if invalid:
        yield warning(f"ignoring invalid cipher suites: {shown(invalid)}")
    if repeated:
        yield warning(f"ignoring duplicate cipher suites: {shown(repeated)}")


def _is_cipher(suite: str) -> bool:
    """A known suite, or an expression with operators, which Istio leaves to Envoy."""
    return suite in ("", "ALL") or not suite[0].isalnum() or suite in _CIPHERS


def _sources(tls: Record) -> Problems:
    given = [
        bool(tls.serverCertificate and tls.privateKey),
        bool(tls.credentialName),
        bool(tls.credentialNames),
        bool(tls.tlsCertificates),
    ]
    if sum(given) > 1:
        sources = "credential_name, credential_names, server_certificate/private_key, tls_certificates"
        yield error(f"only one of {sources} should be specified")


def _files(tls: Record) -> Problems:
    if tls.mode in _TERMINATING:
        yield from _certificates(tls, "SIMPLE TLS" if tls.mode == "SIMPLE" else "MUTUAL TLS")
    if tls.caCrl:
        if tls.credentialName:
            yield error("CRL is not supported with credentialName. CRL has to be specified in the credential")
        if tls.mode == "SIMPLE":
            yield error("CRL is not supported with SIMPLE TLS")


def _certificates(tls: Record, about: str) -> Problems:
    if tls.mode != "SIMPLE" and not tls.caCertificates:
        yield error(f"{about} requires a client CA bundle")
    if len(tls.tlsCertificates) > 2:
        yield warning(f"{about} can support up to 2 server certificates")
    for pair in tls.tlsCertificates or [tls]:
        if not pair.serverCertificate:
            yield error(f"{about} requires a server certificate")
        if not pair.privateKey:
            yield error(f"{about} requires a private key")
