"""The sandbox's SSH identities: one user key pair, a host key for each node, known_hosts and ssh_config."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from meshctl.sandbox.paths import Paths

PORT = 22
USER = "root"


def ensure(paths: Paths, addresses: Mapping[str, str], package: Path) -> None:
    """Make the keys that are missing, drop those of nodes that are gone, and write the files that list them.

    `addresses` maps node names to addresses; `package` is the folder that holds the meshctl package.
    """
    wanted = {paths.user_key, *(paths.host_key(node) for node in addresses)}
    for key in wanted:
        if not (key.exists() and _public(key).exists()):
            _make(key)
    for stale in (paths.folder / "host_keys").iterdir():
        if stale.with_suffix("") not in wanted:
            stale.unlink()
    write(paths.known_hosts, "".join(_known_host(paths, node, address) for node, address in addresses.items()))
    write(paths.ssh_config, "\n".join(_config(paths, addresses, package)))


def public_key(key: Path) -> str:
    """The one-line public key beside a private key file."""
    return _public(key).read_text().strip()


def write(path: Path, content: str) -> None:
    """Replace a file as a whole; it is readable by its owner alone from its first byte."""
    new = path.with_name(f".{path.name}.new")
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
    new.rename(path)


def _make(key: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    write(key, pem.decode())
    # The public half comes last: a pair that lacks it was interrupted and is made anew.
    write(_public(key), public.decode() + "\n")


def _public(key: Path) -> Path:
    return key.with_name(key.name + ".pub")


def _known_host(paths: Paths, node: str, address: str) -> str:
    return f"{address},{node} {public_key(paths.host_key(node))}\n"


def _config(paths: Paths, addresses: Mapping[str, str], package: Path) -> Iterable[str]:
    python = f"env PYTHONPATH={_quoted(package)} {_quoted(sys.executable)} -P"
    proxy = f"{python} -m meshctl.sandbox.proxy {_quoted(paths.folder)} %h %p"
    yield f"Host {' '.join(addresses)} {' '.join(addresses.values())}"
    yield f"  User {USER}"
    yield f"  Port {PORT}"
    yield f"  IdentityFile {_quoted(paths.user_key)}"
    yield "  IdentitiesOnly yes"
    yield f"  UserKnownHostsFile {_quoted(paths.known_hosts)}"
    yield "  GlobalKnownHostsFile none"
    yield "  StrictHostKeyChecking yes"
    yield "  UpdateHostKeys no"
    yield "  ConnectTimeout 10"
    yield "  ServerAliveInterval 5"
    yield f"  ProxyCommand {proxy}"
    yield "  ProxyUseFdpass yes"
    for node, address in addresses.items():
        yield f"Host {node}"
        yield f"  HostName {address}"
    yield ""


def _quoted(path: Path | str) -> str:
    # ssh_config(5): tokens start with a percent sign.
    return '"' + str(path).replace("%", "%%") + '"'
