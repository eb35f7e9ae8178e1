"""Certificate authorities as values in PEM: the mesh's root and one intermediate for each cluster.

Names, extensions and lifetimes are those of Istio's tools/certs/common.mk at 1.31, where intermediates live as long
as the root (730 days before Istio 1.18). Two things differ: every serial is random, and certificates begin an hour
in the past.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import NameOID

from meshctl.pki.key_type import KeyType

# A node whose clock runs behind by less than this trusts a new authority at once.
BACKDATE = timedelta(hours=1)
LIFETIME = timedelta(days=3650)
ISTIOD_DNS_NAME = "istiod.istio-system.svc"
KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A PKCS#8 key in PEM that no repr, log line or traceback shows."""

    pem: bytes = field(repr=False)

    def load(self) -> SigningKey:
        """The key to sign with; ValueError if it is damaged, encrypted or neither RSA nor EC."""
        try:
            # Testing the primes takes a quarter of a second for each key; that the numbers fit one another is enough.
            key = serialization.load_pem_private_key(self.pem, None, unsafe_skip_rsa_key_validation=True)
        except TypeError:
            raise ValueError("a passphrase protects it; istiod needs a key without one") from None
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise ValueError("neither an RSA nor an EC key")
        if isinstance(key, rsa.RSAPrivateKey) and not _fit(key.private_numbers()):
            raise ValueError("its numbers do not fit one another")
        return key


def _fit(own: rsa.RSAPrivateNumbers) -> bool:
    e, n = own.public_numbers.e, own.public_numbers.n
    return (
        own.p * own.q == n
        and own.d * e % (own.p - 1) == own.d * e % (own.q - 1) == 1
        and (own.dmp1, own.dmq1) == (own.d % (own.p - 1), own.d % (own.q - 1))
        and own.iqmp * own.q % own.p == 1
    )


@dataclass(frozen=True, slots=True)
class Authority:
    """What Istio's Secret `cacerts` holds: a certificate, its key, the chain from it to the root, and the root."""

    certificate: bytes
    key: PrivateKey
    chain: bytes
    root: bytes


def make_keys(count: int, key_type: KeyType) -> list[PrivateKey]:
    """New keys, made on all cores (the search for primes releases the GIL)."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(_make_key, [key_type] * count))


def _make_key(key_type: KeyType) -> PrivateKey:
    match key_type:
        case KeyType.EC_P256:
            key: SigningKey = ec.generate_private_key(ec.SECP256R1())
        case KeyType.RSA_2048:
            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        case KeyType.RSA_4096:
            key = rsa.generate_private_key(public_exponent=65537, key_size=4096)
    return PrivateKey(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def make_root(key: PrivateKey, now: datetime) -> Authority:
    """A self-signed root CA for that key, valid for LIFETIME from `now`."""
    signer = key.load()
    name = _name("Root CA")
    builder = (
        _authority(name, name, signer.public_key(), path_length=None)
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + LIFETIME)
    )
    certificate = pem(builder.sign(signer, hashes.SHA256()))
    return Authority(certificate, key, chain=certificate, root=certificate)


def make_intermediate(root: Authority, cluster: str, key: PrivateKey, now: datetime) -> Authority:
    """The CA of one cluster, signed by the root, valid for LIFETIME from `now` but never beyond the root."""
    issuer = x509.load_pem_x509_certificate(root.certificate)
    builder = (
        _authority(_name("Intermediate CA", cluster), issuer.subject, key.load().public_key(), path_length=0)
        .not_valid_before(max(now - BACKDATE, issuer.not_valid_before_utc))
        .not_valid_after(min(now + LIFETIME, issuer.not_valid_after_utc))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(ISTIOD_DNS_NAME)]), critical=False)
    )
    if identifier := key_identifier(issuer):
        builder = builder.add_extension(identifier, critical=False)
    certificate = pem(builder.sign(root.key.load(), hashes.SHA256()))
    return Authority(certificate, key, chain=certificate + root.chain, root=root.root)


def _name(common_name: str, cluster: str = "") -> x509.Name:
    parts = [(NameOID.ORGANIZATION_NAME, "Istio"), (NameOID.COMMON_NAME, common_name)]
    if cluster:
        parts.append((NameOID.LOCALITY_NAME, cluster))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def _authority(
    subject: x509.Name, issuer: x509.Name, key: CertificatePublicKeyTypes, path_length: int | None
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(
            key_usage("digital_signature", "content_commitment", "key_encipherment", "key_cert_sign"), critical=True
        )
    )


def key_usage(*allowed: str) -> x509.KeyUsage:
    """A key usage extension that allows these and nothing else."""
    return x509.KeyUsage(**dict.fromkeys(KEY_USAGES, False) | dict.fromkeys(allowed, True))


def key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier | None:
    """Names the issuer's key as the issuer does, or nothing if it does not."""
    try:
        own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return None
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def pem(certificate: x509.Certificate) -> bytes:
    """The certificate in PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def matches(key: PrivateKey, certificate: x509.Certificate) -> bool:
    """Whether the key is the certificate's own and signs; ValueError if it can't be read."""
    signer = key.load()
    if signer.public_key() != certificate.public_key():
        return False
    proof = x509.CertificateSigningRequestBuilder().subject_name(certificate.subject)
    return proof.sign(signer, hashes.SHA256()).is_signature_valid
