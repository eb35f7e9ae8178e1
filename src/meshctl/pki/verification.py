"""Whether the certificates in a directory are sound: everything that is wrong with them, at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization

from meshctl.errors import Problem
from meshctl.pki import store
from meshctl.pki.authority import PrivateKey, matches
from meshctl.pki.certificate import read_certificate, read_certificates, read_key


@dataclass(frozen=True, slots=True)
class _Set:
    """What could be read of an authority's files."""

    file: Path
    key_file: Path
    certificate: x509.Certificate | None
    key: PrivateKey | None


def problems(directory: Path, clusters: Sequence[str], now: datetime) -> list[Problem]:
    """What is wrong with the root, the files of these clusters, and whatever else lies in the directory."""
    with store.reading(directory):
        if not directory.is_dir():
            return [Problem(0, str(directory), "is missing; `meshctl certs init` makes it")]
        found = [*_stray_entries(directory, clusters), *_open_to_others(directory), *root_problems(directory, now)]
        for cluster in clusters:
            found += cluster_problems(directory, cluster, now)
        return found + list(_shared_keys(directory, clusters))


def root_problems(directory: Path, now: datetime) -> list[Problem]:
    """What is wrong with the root's certificate and key."""
    found: list[Problem] = []
    file, key_file = directory / store.ROOT_CERTIFICATE, directory / store.ROOT_KEY
    root = _Set(file, key_file, read_certificate(file, found), read_key(key_file, found))
    found += _key_problems(root)
    if root.certificate:
        found += _authority_problems(file, root.certificate, now)
        found += _path_problems(file, [root.certificate, root.certificate])
    remedy = "put the right file back, or replace everything with `meshctl certs init --force`"
    return [*_mended(found, remedy), *_clock_problems(root, now)]


def cluster_problems(directory: Path, cluster: str, now: datetime) -> list[Problem]:
    """What is wrong with the four files of a cluster, also in relation to the root."""
    folder = directory / cluster
    if not folder.is_dir():
        return [Problem(0, str(folder), "is missing; `meshctl certs init` makes it")]
    found: list[Problem] = []
    file, key_file = folder / store.CLUSTER_CERTIFICATE, folder / store.CLUSTER_KEY
    own = _Set(file, key_file, read_certificate(file, found), read_key(key_file, found))
    found += _key_problems(own)
    if own.certificate:
        found += _authority_problems(file, own.certificate, now)
        found += _path_length_problems(file, own.certificate)
    found += _chain_problems(directory, folder, own.certificate)
    remedy = f"`meshctl certs rotate {cluster}` makes a new set"
    return [*_strangers(folder), *_open_to_others(folder), *_mended(found, remedy), *_clock_problems(own, now)]


def _mended(found: Iterable[Problem], remedy: str) -> Iterator[Problem]:
    return (replace(problem, message=f"{problem.message}; {remedy}") for problem in found)


def _stray_entries(directory: Path, clusters: Sequence[str]) -> Iterator[Problem]:
    for path in sorted(directory.iterdir()):
        if path.name == store.COMMITTED:
            yield Problem(0, str(path), "is an interrupted command's; `meshctl certs init` finishes its work")
        elif path.name in (store.STAGING, store.DISPLACED):
            yield Problem(0, str(path), "is an interrupted command's; `meshctl certs init` sweeps it away")
        elif path.name not in store.OWN_NAMES and path.name not in clusters:
            yield Problem(0, str(path), f"belongs to no cluster; expected {', '.join(clusters)}: move it away")


def _strangers(folder: Path) -> Iterator[Problem]:
    for name in store.strangers_in(folder):
        yield Problem(0, str(folder / name), f"is unknown; expected {', '.join(store.CLUSTER_FILES)}: move it away")


def _open_to_others(folder: Path) -> Iterator[Problem]:
    keys = [folder / name for name in (store.ROOT_KEY, store.CLUSTER_KEY) if (folder / name).exists()]
    for path, wanted in [(folder, store.DIRECTORY_MODE), *((key, store.KEY_MODE) for key in keys)]:
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            yield Problem(0, str(path), f"has mode {mode:04o}, expected {wanted:04o}: `chmod {wanted:o} {path}`")


def _key_problems(found: _Set) -> Iterator[Problem]:
    if found.certificate and found.key and not matches(found.key, found.certificate):
        yield Problem(0, str(found.key_file), f"is not the key of {found.file}")


def _authority_problems(file: Path, certificate: x509.Certificate, now: datetime) -> Iterator[Problem]:
    end = certificate.not_valid_after_utc
    if now > end:
        yield Problem(0, str(file), f"expired on {end:%Y-%m-%d %H:%M} UTC")
    if not _constraints(certificate).ca:
        yield Problem(0, str(file), "is no CA certificate; expected basicConstraints CA:TRUE")
    if not _may_sign(certificate):
        yield Problem(0, str(file), "may not sign certificates; expected keyUsage keyCertSign")


def _path_length_problems(file: Path, certificate: x509.Certificate) -> Iterator[Problem]:
    length = _constraints(certificate).path_length
    if length != 0:
        shown = "none" if length is None else length
        yield Problem(0, str(file), f"has path length {shown}, expected 0: it could make authorities of its own")


def _constraints(certificate: x509.Certificate) -> x509.BasicConstraints:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return x509.BasicConstraints(ca=False, path_length=None)


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        return True  # RFC 5280 §4.2.1.3: no restriction


def _clock_problems(found: _Set, now: datetime) -> Iterator[Problem]:
    if found.certificate and now < (begin := found.certificate.not_valid_before_utc):
        seen = f"is not valid before {begin:%Y-%m-%d %H:%M} UTC, and it is {now:%Y-%m-%d %H:%M}"
        yield Problem(0, str(found.file), f"{seen}; set this machine's clock")


def _chain_problems(directory: Path, folder: Path, certificate: x509.Certificate | None) -> list[Problem]:
    found: list[Problem] = []
    file, root_file = folder / store.CLUSTER_CHAIN, folder / store.ROOT_CERTIFICATE
    chain, root = read_certificates(file, found), read_certificate(root_file, found)
    top = read_certificate(directory / store.ROOT_CERTIFICATE, [])
    if top and root and top != root:
        found.append(Problem(0, str(root_file), f"differs from {directory / store.ROOT_CERTIFICATE}"))
    if certificate and root:
        in_order = bool(chain) and chain[0] == certificate and chain[-1] == root
        if chain and not in_order:
            expected = f"from {store.CLUSTER_CERTIFICATE} up to {store.ROOT_CERTIFICATE}"
            found.append(Problem(0, str(file), f"does not lead {expected}"))
        found += _path_problems(folder / store.CLUSTER_CERTIFICATE, chain if in_order else [certificate, root])
    return found


def _path_problems(file: Path, path: Sequence[x509.Certificate]) -> Iterator[Problem]:
    for height, (certificate, issuer) in enumerate(pairwise(path), start=1):
        above = issuer.subject.rfc4514_string()
        try:
            certificate.verify_directly_issued_by(issuer)
        except (InvalidSignature, ValueError, TypeError):
            below = certificate.subject.rfc4514_string()
            yield Problem(0, str(file), f"does not lead to its root: {below!r} was not issued by {above!r}")
        limit = _constraints(issuer).path_length
        if certificate != issuer and limit is not None and limit < height:
            yield Problem(0, str(file), f"stands {height} below {above!r}, whose path length {limit} forbids that")


def _shared_keys(directory: Path, clusters: Sequence[str]) -> Iterator[Problem]:
    owners: dict[bytes, Path] = {}
    for cluster in clusters:
        file = directory / cluster / store.CLUSTER_CERTIFICATE
        if certificate := read_certificate(file, []):
            owner = owners.setdefault(_public_key(certificate), file)
            if owner != file:
                yield Problem(0, str(file), f"has the same key as {owner}; every cluster needs its own")


def _public_key(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
