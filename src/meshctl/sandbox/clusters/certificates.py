"""A cluster's own authority and the certificates that it signs, laid out as kubeadm does (its documentation, 1.31)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from meshctl.pki.authority import key_usage
from meshctl.sandbox.clusters.files import Files, write

BACKDATE = timedelta(hours=1)
LIFETIME = timedelta(days=3650)
ADMINS = "system:masters"
CLIENTS = {"admin": "kubernetes-admin", "controllers": "system:kube-controller-manager"}
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Subject = Iterable[tuple[x509.ObjectIdentifier, str]]


@dataclass(frozen=True, slots=True)
class Signer:
    """An authority's certificate and key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def issue(self, subject: Subject, public: ec.EllipticCurvePublicKey, *extensions: x509.ExtensionType) -> bytes:
        """A certificate in PEM."""
        builder = _builder(_name(subject), self.certificate.subject, public)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(key_usage("digital_signature", "key_encipherment"), critical=True)
        own = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        identifier = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)
        for extension in (identifier, *extensions):
            builder = builder.add_extension(extension, critical=False)
        return _pem(builder.sign(self.key, hashes.SHA256()))


def make(
    files: Files, addresses: Iterable[IPv4Address], names: Iterable[str], nodes: Iterable[IPv4Address] = ()
) -> None:
    """The authority if it is missing, the key of service accounts, and certificates for servers and clients.

    The API server shows its own to the agents of the nodes, too.
    """
    signer = _authority(files)
    if not files.account_key.exists():
        write(files.account_key, _key_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)))
    alternatives = [*map(x509.IPAddress, addresses), *map(x509.DNSName, names)]
    both = _usage(ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
    serving = (both, x509.SubjectAlternativeName(alternatives))
    _issue(files, signer, "serving", [(NameOID.COMMON_NAME, "kube-apiserver")], *serving)
    hosts = x509.SubjectAlternativeName([*map(x509.IPAddress, nodes)])
    agents = [(NameOID.ORGANIZATION_NAME, "system:nodes"), (NameOID.COMMON_NAME, "system:node")]
    _issue(files, signer, "agents", agents, _usage(ExtendedKeyUsageOID.SERVER_AUTH), hosts)
    for client, user in CLIENTS.items():
        subject = [(NameOID.ORGANIZATION_NAME, ADMINS), (NameOID.COMMON_NAME, user)]
        _issue(files, signer, client, subject, _usage(ExtendedKeyUsageOID.CLIENT_AUTH))


def _authority(files: Files) -> Signer:
    # The certificate is written after its key.
    if files.authority.exists():
        key = serialization.load_pem_private_key(files.key("ca").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 # made below
        return Signer(x509.load_pem_x509_certificate(files.authority.read_bytes()), key)
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name([(NameOID.COMMON_NAME, "kubernetes")])
    builder = _builder(name, name, key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(key_usage("digital_signature", "key_encipherment", "key_cert_sign"), critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    write(files.key("ca"), _key_pem(key))
    write(files.authority, _pem(certificate))
    return Signer(certificate, key)


def _issue(files: Files, signer: Signer, name: str, subject: Subject, *extensions: x509.ExtensionType) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    write(files.key(name), _key_pem(key))
    write(files.certificate(name), signer.issue(subject, key.public_key(), *extensions))


def _builder(subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*usages: x509.ObjectIdentifier) -> x509.ExtendedKeyUsage:
    return x509.ExtendedKeyUsage(usages)


def _name(parts: Subject) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: Key) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
