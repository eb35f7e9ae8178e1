"""Workload certificates as istiod 1.31 signs them (`istio.v1.auth.IstioCertificateService`)."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from meshctl.errors import UsageError
from meshctl.pki.authority import Authority, key_identifier, key_usage, pem

# security/pkg/pki/util/generate_cert.go: ClockSkewGracePeriod
BACKDATE = timedelta(minutes=2)
DEFAULT_LIFETIME = timedelta(hours=24)
MAX_LIFETIME = timedelta(hours=2160)
COMMON_NAME_LIMIT = 64


class SigningRefused(UsageError):
    """A certificate signing request that istiod refuses, in its words."""


def spiffe_id(trust_domain: str, namespace: str, service_account: str) -> str:
    """The identity of a service account's workloads."""
    return f"spiffe://{trust_domain}/ns/{namespace}/sa/{service_account}"


def sign_workload(
    signer: Authority, request: bytes, identity: str, lifetime: timedelta, now: datetime
) -> tuple[bytes, ...]:
    """The certificates that istiod answers a CSR in PEM with: the leaf, its chain, and the root once more, last.

    Only the public key of the request counts. A lifetime of zero or less means DEFAULT_LIFETIME; no leaf outlives its
    signer. Raises SigningRefused in istiod's words.
    """
    wanted = _read(request)
    issuer = x509.load_pem_x509_certificate(signer.certificate)
    if lifetime > MAX_LIFETIME:
        limit = f"is greater than the max allowed TTL {go_duration(MAX_LIFETIME)}"
        raise SigningRefused(f"CSR signing error (requested TTL {go_duration(lifetime)} {limit})")
    if now >= issuer.not_valid_after_utc:
        raise SigningRefused(f"CSR signing error (signing certificate has expired at {issuer.not_valid_after_utc})")
    end = min(now + (lifetime if lifetime > timedelta(0) else DEFAULT_LIFETIME), issuer.not_valid_after_utc)
    builder = _leaf(wanted, issuer, identity).not_valid_before(now - BACKDATE).not_valid_after(end)
    leaf = pem(builder.sign(signer.key.load(), hashes.SHA256()))
    return leaf, *_above(signer), signer.root


def _read(request: bytes) -> x509.CertificateSigningRequest:
    try:
        wanted = x509.load_pem_x509_csr(request)
        wanted.public_key()
    except (ValueError, UnsupportedAlgorithm):
        unreadable = "certificate signing request is not properly encoded"
        raise SigningRefused(f"CSR signing error ({unreadable})") from None
    if not wanted.is_signature_valid:
        raise SigningRefused("CSR signing error (the signature of the request is not by its own key)")
    return wanted


def _leaf(wanted: x509.CertificateSigningRequest, issuer: x509.Certificate, identity: str) -> x509.CertificateBuilder:
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = (
        x509.CertificateBuilder()
        .subject_name(_subject(wanted, identity))
        .issuer_name(issuer.subject)
        .public_key(wanted.public_key())
        .serial_number(1 + secrets.randbelow(2**128 - 1))
        .add_extension(key_usage("digital_signature", "key_encipherment"), critical=True)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if identifier := key_identifier(issuer):
        builder = builder.add_extension(identifier, critical=False)
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(identity)])
    return builder.add_extension(names, critical=True)


def _subject(wanted: x509.CertificateSigningRequest, identity: str) -> x509.Name:
    # A CN asked for becomes the caller's identity if X.509's limit lets it in; nothing else asked for is given.
    asked = wanted.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not asked or len(identity) > COMMON_NAME_LIMIT:
        return x509.Name([])
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, identity)])


def _above(signer: Authority) -> tuple[bytes, ...]:
    if signer.certificate == signer.root:
        return ()
    return tuple(pem(certificate) for certificate in x509.load_pem_x509_certificates(signer.chain))


def go_duration(duration: timedelta) -> str:
    """A positive duration of whole seconds as Go prints it: `2160h0m1s`."""
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
