"""Making what a directory of certificates lacks, and replacing what a person asks to replace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from meshctl.errors import Problem, UsageError
from meshctl.pki import store, verification
from meshctl.pki.authority import Authority, PrivateKey, make_intermediate, make_keys, make_root
from meshctl.pki.certificate import read_key
from meshctl.pki.key_type import KeyType


@dataclass(frozen=True, slots=True)
class Issued:
    """What `complete` did: is the root new, and which clusters got a certificate, or a lost copy of one back."""

    root: bool
    made: tuple[str, ...]
    restored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """A key and its certificate as they lie on disk; either may be missing."""

    key: PrivateKey | None = None
    certificate: bytes | None = None


NOTHING = _Found()


def complete(
    directory: Path, clusters: Sequence[str], now: datetime, key_type: KeyType | None = None, *, force: bool = False
) -> Issued:
    """Make the root and the clusters' intermediates as far as they are missing; with `force`, all of them anew.

    `key_type` is that of new keys: None means the root's, rsa-4096 for a new root. Raises UsageError if the root can't
    sign or a certificate lies there without its key.
    """
    with store.writing(directory):
        top, found = (NOTHING, dict.fromkeys(clusters, NOTHING)) if force else _survey(directory, clusters, now)
        files = _missing_files(top, found, now, key_type)
        if files:
            store.commit(directory, files)
    made = tuple(name for name, pair in found.items() if not pair.certificate)
    return Issued(top.certificate is None, made, tuple(name for name in found if name not in made))


def rotate(directory: Path, cluster: str, now: datetime, key_type: KeyType | None = None) -> None:
    """Replace a cluster's files by a new key and certificate under the same root; UsageError if that can't sign."""
    if not (directory / store.ROOT_CERTIFICATE).exists():
        raise UsageError(f"{directory}: has no root; `meshctl certs init` makes one")
    with store.writing(directory):
        top, _ = _survey(directory, (), now)
        files = _missing_files(top, {cluster: NOTHING}, now, key_type)
        store.commit(directory, files)


def _missing_files(
    top: _Found, found: Mapping[str, _Found], now: datetime, key_type: KeyType | None
) -> dict[str, bytes | PrivateKey]:
    keyless = sum(pair.key is None for pair in (top, *found.values()))
    keys = iter(make_keys(keyless, key_type or _type_of(top.key)))
    root = _root(top, keys, now)
    files = {} if top.certificate else store.root_files(root)
    for name, pair in found.items():
        files |= store.cluster_files(name, _intermediate(root, name, pair, keys, now))
    return files


def _root(found: _Found, keys: Iterator[PrivateKey], now: datetime) -> Authority:
    if found.key and found.certificate:
        return Authority(found.certificate, found.key, chain=found.certificate, root=found.certificate)
    return make_root(found.key or next(keys), now)


def _intermediate(root: Authority, cluster: str, found: _Found, keys: Iterator[PrivateKey], now: datetime) -> Authority:
    if found.key and found.certificate:
        return Authority(found.certificate, found.key, found.certificate + root.chain, root.root)
    return make_intermediate(root, cluster, found.key or next(keys), now)


def _type_of(key: PrivateKey | None) -> KeyType:
    match key and key.load():
        case ec.EllipticCurvePrivateKey():
            return KeyType.EC_P256
        case rsa.RSAPrivateKey(key_size=2048):
            return KeyType.RSA_2048
        case _:
            return KeyType.RSA_4096


def _is_whole(folder: Path) -> bool:
    return all((folder / name).exists() for name in store.CLUSTER_FILES)


def _survey(directory: Path, clusters: Sequence[str], now: datetime) -> tuple[_Found, dict[str, _Found]]:
    unusable: list[Problem] = []
    top = _find(directory / store.ROOT_KEY, directory / store.ROOT_CERTIFICATE, unusable)
    problems = list(_root_gaps(directory, top, now)) or unusable
    found = {}
    for name in clusters:
        folder = directory / name
        if not _is_whole(folder):
            found[name] = _find(folder / store.CLUSTER_KEY, folder / store.CLUSTER_CERTIFICATE, problems)
    problems += _cluster_gaps(directory, found)
    if problems:
        raise UsageError("\n".join(map(str, problems)))
    return top, found


def _find(key_file: Path, certificate_file: Path, problems: list[Problem]) -> _Found:
    key = read_key(key_file, problems) if key_file.exists() else None
    return _Found(key, certificate_file.read_bytes() if certificate_file.exists() else None)


def _root_gaps(directory: Path, top: _Found, now: datetime) -> Iterator[Problem]:
    owners = sorted(directory.glob(f"[!.]*/{store.ROOT_CERTIFICATE}"))
    if top.certificate:
        yield from verification.root_problems(directory, now)
    elif owners and top.key:
        yield Problem(0, str(directory / store.ROOT_CERTIFICATE), f"is missing; copy {owners[0]} to it")
    elif owners:
        missing = f"{store.ROOT_CERTIFICATE} and {store.ROOT_KEY} are missing, but {owners[0]} was made with them"
        yield Problem(0, str(directory), f"{missing}; put them back, or replace everything with --force")


def _cluster_gaps(directory: Path, found: Mapping[str, _Found]) -> Iterator[Problem]:
    for name, pair in found.items():
        key_file = directory / name / store.CLUSTER_KEY
        if pair.certificate and not key_file.exists():
            remedy = f"put it back, or make a new set with `meshctl certs rotate {name}`"
            yield Problem(0, str(key_file), f"is missing; {remedy}")
