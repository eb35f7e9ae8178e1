"""Client certificates: the common name is the user, organizations are groups."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from meshctl.sandbox.apiserver.auth.user import CREDENTIAL, User

REMEMBERED = 256
Verdict = tuple[User | None, datetime, datetime]


class CertificateUsers:
    """Judges certificates by the client CA; remembers, since a connection shows its own at each request."""

    def __init__(self, authority: Path) -> None:
        self._authorities = x509.load_pem_x509_certificates(authority.read_bytes())
        self._known: OrderedDict[bytes, Verdict] = OrderedDict()

    def user(self, der: bytes) -> User | None:
        """Whose certificate it is; None if it is out of date, another authority's, or not for clients."""
        digest = hashlib.sha256(der).digest()
        if digest not in self._known:
            self._known[digest] = self._judge(der)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        user, since, until = self._known[digest]
        return user if since <= datetime.now(UTC) <= until else None

    def _judge(self, der: bytes) -> Verdict:
        try:
            certificate = x509.load_der_x509_certificate(der)
            ours = self._issued(certificate) and _for_clients(certificate)
        except ValueError:
            return None, datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
        user = _user(certificate, der) if ours else None
        return user, certificate.not_valid_before_utc, certificate.not_valid_after_utc

    def _issued(self, certificate: x509.Certificate) -> bool:
        # Client certificates come straight from the CA. The verifier of cryptography.x509.verification is for
        # web servers: it refuses certificates without a subject alternative name, which users don't have.
        for authority in self._authorities:
            try:
                certificate.verify_directly_issued_by(authority)
            except (ValueError, TypeError, InvalidSignature):
                continue
            return True
        return False


def _for_clients(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.CLIENT_AUTH in usage or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usage


def _user(certificate: x509.Certificate, der: bytes) -> User:
    name = next(iter(_subject(certificate, NameOID.COMMON_NAME)), "")
    extra = {CREDENTIAL: (f"X509SHA256={hashlib.sha256(der).hexdigest()}",)}
    return User(name, "", _subject(certificate, NameOID.ORGANIZATION_NAME), extra)


def _subject(certificate: x509.Certificate, oid: ObjectIdentifier) -> tuple[str, ...]:
    return tuple(str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(oid))
