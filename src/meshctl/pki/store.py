"""The directory of certificates: files of one mode from their first byte, put in place as sets that survive a kill.

A set is written to `.staging`, which becomes `.committed` by one rename: until then nothing has changed, from then on
whoever opens the directory for writing next finishes what is left to do.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path

from meshctl.errors import UsageError
from meshctl.pki.authority import Authority, PrivateKey

ROOT_CERTIFICATE = "root-cert.pem"
ROOT_KEY = "root-key.pem"
CLUSTER_CERTIFICATE = "ca-cert.pem"
CLUSTER_KEY = "ca-key.pem"
CLUSTER_CHAIN = "cert-chain.pem"
CLUSTER_FILES = (CLUSTER_CERTIFICATE, CLUSTER_KEY, CLUSTER_CHAIN, ROOT_CERTIFICATE)
DIRECTORY_MODE = 0o700
KEY_MODE = 0o600
CERTIFICATE_MODE = 0o644

STAGING = ".staging"
COMMITTED = ".committed"
DISPLACED = ".displaced"
LOCK = ".lock"
README = "README.md"
OWN_NAMES = frozenset({ROOT_CERTIFICATE, ROOT_KEY, STAGING, COMMITTED, DISPLACED, LOCK, README})

Files = Mapping[str, bytes | PrivateKey]


def root_files(root: Authority) -> dict[str, bytes | PrivateKey]:
    """The root's files by path below the directory."""
    return {ROOT_KEY: root.key, ROOT_CERTIFICATE: root.certificate}


def cluster_files(cluster: str, authority: Authority) -> dict[str, bytes | PrivateKey]:
    """A cluster's four files, named like the data of Istio's Secret `cacerts`, by path below the directory."""
    return {
        f"{cluster}/{CLUSTER_KEY}": authority.key,
        f"{cluster}/{CLUSTER_CERTIFICATE}": authority.certificate,
        f"{cluster}/{CLUSTER_CHAIN}": authority.chain,
        f"{cluster}/{ROOT_CERTIFICATE}": authority.root,
    }


def read_cluster(directory: Path, cluster: str) -> Authority:
    """A cluster's authority; UsageError if a file is missing or an interrupted command left the set unfinished."""
    with reading(directory):
        if (directory / COMMITTED).exists():
            raise UsageError(f"{directory}: a command was interrupted; `meshctl certs init` finishes its work")
        folder = directory / cluster
        return Authority(
            (folder / CLUSTER_CERTIFICATE).read_bytes(),
            PrivateKey((folder / CLUSTER_KEY).read_bytes()),
            (folder / CLUSTER_CHAIN).read_bytes(),
            (folder / ROOT_CERTIFICATE).read_bytes(),
        )


@contextmanager
def writing(directory: Path) -> Iterator[None]:
    """Hold the directory alone, made if it is missing; first finish or sweep away what a killed command left."""
    with _faults_named(directory):
        _make_private(directory)
        with _locked(directory, fcntl.LOCK_EX):
            if (directory / COMMITTED).exists():
                _install(directory)
            for leftover in (STAGING, DISPLACED):
                shutil.rmtree(directory / leftover, ignore_errors=True)
            yield


@contextmanager
def reading(directory: Path) -> Iterator[None]:
    """Keep writers out of the directory; nothing is written to it."""
    # Without a lock file no writer has ever been here.
    lock = _locked(directory, fcntl.LOCK_SH) if (directory / LOCK).exists() else nullcontext()
    with _faults_named(directory), lock:
        yield


def commit(directory: Path, files: Files) -> None:
    """Put files in place as one set, whole directories at a time; for use inside `writing`."""
    for folder in {directory / Path(path).parent for path in files} - {directory}:
        if folder.exists() and (strangers := strangers_in(folder)):
            raise UsageError(f"{folder}: holds what is not meshctl's ({', '.join(strangers)}); move it away first")
    staging = directory / STAGING
    _make_directory(staging)
    for path, content in files.items():
        _write(staging / path, content)
    for folder in (*(path for path in staging.iterdir() if path.is_dir()), staging):
        _sync(folder)
    staging.rename(directory / COMMITTED)
    _sync(directory)
    _install(directory)
    shutil.rmtree(directory / DISPLACED, ignore_errors=True)


def _install(directory: Path) -> None:
    committed, displaced = directory / COMMITTED, directory / DISPLACED
    if not displaced.is_dir():
        _make_directory(displaced)
    for entry in sorted(committed.iterdir()):
        target = directory / entry.name
        if target.is_dir():
            target.rename(displaced / entry.name)
        entry.replace(target)
    _sync(directory)
    committed.rmdir()
    _sync(directory)


def _write(path: Path, content: bytes | PrivateKey) -> None:
    # A memoryview, since a traceback that shows local variables must not show a key.
    data = memoryview(content.pem if isinstance(content, PrivateKey) else content)
    if not path.parent.is_dir():
        _make_directory(path.parent)
    with os.fdopen(_create(path, KEY_MODE if isinstance(content, PrivateKey) else CERTIFICATE_MODE), "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _create(path: Path, mode: int) -> int:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    if os.fstat(descriptor).st_mode & KEY_MODE != KEY_MODE:
        os.fchmod(descriptor, KEY_MODE)  # a umask like 0277 took the owner's own bits
    return descriptor


def _make_directory(path: Path) -> None:
    path.mkdir(DIRECTORY_MODE)
    path.chmod(DIRECTORY_MODE)  # never wider than before: gives back what a umask like 0277 took from the owner


def _make_private(directory: Path) -> None:
    if not directory.exists():
        directory.parent.mkdir(parents=True, exist_ok=True)
        _make_directory(directory)
    elif directory.stat().st_mode & 0o077:
        if strangers := sorted(path.name for path in directory.iterdir() if not is_own(path)):
            raise UsageError(
                f"{directory}: is open to others and holds what is not meshctl's ({', '.join(strangers)}); "
                "expected an empty or private directory: choose another with --dir"
            )
        directory.chmod(DIRECTORY_MODE)


def is_own(path: Path) -> bool:
    """Whether an entry of the directory looks as if this module had made it."""
    return path.name in OWN_NAMES or (path.is_dir() and not strangers_in(path))


def strangers_in(folder: Path) -> list[str]:
    """Names in a cluster's directory that this module does not make."""
    return sorted(path.name for path in folder.iterdir() if path.name not in CLUSTER_FILES)


@contextmanager
def _locked(directory: Path, kind: int) -> Iterator[None]:
    flags = os.O_RDWR | os.O_CREAT if kind == fcntl.LOCK_EX else os.O_RDONLY
    descriptor = os.open(directory / LOCK, flags | os.O_NOFOLLOW, KEY_MODE)
    try:
        fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _faults_named(directory: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as fault:
        raise UsageError(f"{fault.filename}: is missing; `meshctl certs init` makes what is missing") from None
    except OSError as fault:
        raise UsageError(f"{fault.filename or directory}: {fault.strerror}") from None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
