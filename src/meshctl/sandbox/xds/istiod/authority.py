"""The control plane's certificate authority: from Secret `cacerts`, else one that it made itself."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from meshctl.pki.authority import Authority, PrivateKey, key_usage
from meshctl.pki.workload import BACKDATE, DEFAULT_LIFETIME, sign_workload

CACERTS, SELF_SIGNED = "cacerts", "istio-ca-secret"
SERVING_NAMES = ("istiod", "istiod-remote", "istio-pilot")
SERVING_LIFETIME = timedelta(days=3650)
_PURPOSES = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with its chain and its key, both PEM; `expires` and `renew` are points in time."""

    chain: bytes
    key: bytes
    issued: datetime
    expires: datetime

    @property
    def renew(self) -> datetime:
        """Half of its life: Istio's SECRET_GRACE_PERIOD_RATIO of 0.5."""
        return self.issued + (self.expires - self.issued) / 2


def of_secret(secret: Object) -> Authority:
    """The authority of a Secret `cacerts` or `istio-ca-secret`; ValueError says what is wrong with it."""
    data = secret.get("data") or {}
    try:
        files = {name: base64.b64decode(text) for name, text in data.items()}
        key = PrivateKey(files["ca-key.pem"])
        certificate = files["ca-cert.pem"]
        chain = files.get("cert-chain.pem") or certificate
        root = files.get("root-cert.pem") or certificate
        fits = key.load().public_key() == x509.load_pem_x509_certificate(certificate).public_key()
        x509.load_pem_x509_certificates(root)
    except (KeyError, ValueError, TypeError, UnsupportedAlgorithm, binascii.Error) as fault:
        raise ValueError(f"Secret {secret['metadata']['name']}: unusable: {fault!r}") from None
    if not fits:
        raise ValueError(f"Secret {secret['metadata']['name']}: ca-key.pem is not the key of ca-cert.pem")
    return Authority(certificate, key, chain, root)


def self_signed(trust_domain: str, namespace: str, now: datetime) -> dict[str, Any]:
    """The Secret of a new authority as istiod makes it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, trust_domain)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(key_usage("key_cert_sign"), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    files = {"ca-cert.pem": certificate, "ca-key.pem": _pem(key), "root-cert.pem": certificate}
    files |= {"cert-chain.pem": b"", "key.pem": b""}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "istio.io/ca-root",
        "metadata": {"name": SELF_SIGNED, "namespace": namespace},
        "data": {name: base64.b64encode(content).decode() for name, content in files.items()},
    }


def workload(signer: Authority, identity: str, lifetime: timedelta = DEFAULT_LIFETIME) -> Pair:
    """A new key and its certificate for a SPIFFE identity."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    pem = request.public_bytes(serialization.Encoding.PEM)
    now = datetime.now(UTC)
    # The last element is the root once more, for clients of the signing service.
    *chain, _ = sign_workload(signer, pem, identity, lifetime, now)
    leaf = x509.load_pem_x509_certificate(chain[0])
    return Pair(b"".join(chain), _pem(key), now, leaf.not_valid_after_utc)


def serving(signer: Authority, namespace: str) -> Pair:
    """The certificate of 15012 and 15017 for the names of istiod's Services: RSA-2048, as Istio's."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    issuer = x509.load_pem_x509_certificate(signer.certificate)
    now = datetime.now(UTC)
    end = min(now + SERVING_LIFETIME, issuer.not_valid_after_utc)
    names = [x509.DNSName(f"{name}.{namespace}.svc") for name in SERVING_NAMES]
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(end)
        .add_extension(key_usage("digital_signature", "key_encipherment"), critical=True)
        .add_extension(x509.ExtendedKeyUsage(_PURPOSES), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=True)
        .sign(signer.key.load(), hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    above = b"" if signer.certificate == signer.root else signer.chain
    return Pair(leaf + above, _pem(key), now, end)


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
