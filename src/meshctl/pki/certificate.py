"""Reading certificates and keys from files, and what a person wants to know about a certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from meshctl.errors import Problem
from meshctl.pki import store
from meshctl.pki.authority import PrivateKey

Value = TypeVar("Value")
DAMAGE = (ValueError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension)


@dataclass(frozen=True, slots=True)
class Summary:
    """A certificate as people compare it, numbers in openssl's notation; `cluster` is empty for the root."""

    cluster: str
    file: Path
    subject: str
    issuer: str
    serial: str
    sha256: str
    not_before: datetime
    not_after: datetime

    def days_left(self, now: datetime) -> int:
        """Whole days until it expires; negative afterwards."""
        return (self.not_after - now).days


def summaries(directory: Path) -> tuple[list[Summary], list[Problem]]:
    """The root and every cluster's certificate that lies in the directory, and what could not be read."""
    problems: list[Problem] = []
    with store.reading(directory):
        found = [
            summarize(path.parent.name if path.parent != directory else "", path, certificate)
            for path in _authority_files(directory)
            if (certificate := read_certificate(path, problems))
        ]
    return found, problems


def summarize(cluster: str, file: Path, certificate: x509.Certificate) -> Summary:
    """What a person wants to know about a certificate."""
    return Summary(
        cluster,
        file,
        _name(certificate.subject),
        _name(certificate.issuer),
        _hexadecimal(certificate.serial_number),
        certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
    )


def read_certificate(path: Path, problems: list[Problem]) -> x509.Certificate | None:
    """The only certificate of a file; otherwise None, and one problem more."""
    found = read_certificates(path, problems)
    if len(found) > 1:
        problems.append(Problem(0, str(path), f"holds {len(found)} certificates; expected one"))
    return found[0] if len(found) == 1 else None


def read_certificates(path: Path, problems: list[Problem]) -> list[x509.Certificate]:
    """The certificates of a file; otherwise none, and one problem more."""
    return _read(path, _certificates, problems) or []


def read_key(path: Path, problems: list[Problem]) -> PrivateKey | None:
    """The private key of a file; otherwise None, and one problem more."""
    return _read(path, _key, problems)


def _certificates(content: bytes) -> list[x509.Certificate]:
    found = x509.load_pem_x509_certificates(content)
    for certificate in found:
        # These are parsed only when asked for; asked here, damage is found in one place.
        _ = certificate.subject, certificate.issuer, certificate.extensions, certificate.public_key()
    return found


def _key(content: bytes) -> PrivateKey:
    key = PrivateKey(content)
    key.load()
    return key


def _read(path: Path, parse: Callable[[bytes], Value], problems: list[Problem]) -> Value | None:
    try:
        return parse(path.read_bytes())
    except FileNotFoundError:
        problems.append(Problem(0, str(path), "is missing"))
    except OSError as fault:
        problems.append(Problem(0, str(path), f"can't be read: {fault.strerror}"))
    except DAMAGE as fault:
        problems.append(Problem(0, str(path), f"can't be used: {str(fault).partition('. ')[0]}"))
    return None


def _authority_files(directory: Path) -> Iterator[Path]:
    yield directory / store.ROOT_CERTIFICATE
    yield from sorted(directory.glob(f"[!.]*/{store.CLUSTER_CERTIFICATE}"))


def _name(name: x509.Name) -> str:
    return ", ".join(part.rfc4514_string() for part in name.rdns)


def _hexadecimal(number: int) -> str:
    digits = f"{number:X}"
    return digits if len(digits) % 2 == 0 else f"0{digits}"
