"""The mesh's certificates that `up` needs: those of `meshctl certs`, else a set of the sandbox's own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from meshctl import state
from meshctl.pki import issuance, store
from meshctl.pki.key_type import KeyType
from meshctl.topology import Topology

OWN = Path("certs")


def folder(topology: Topology) -> Path:
    """./certs if `meshctl certs init` made it, else the one in the sandbox's state."""
    if (OWN / store.ROOT_CERTIFICATE).exists():
        return OWN.absolute()
    return (state.folder(topology.name) / "certs").absolute()


def missing(topology: Topology) -> tuple[str, ...]:
    """The lines of what `complete` would make; nothing is changed."""
    where = folder(topology)
    names = [name for name in _names(topology) if any(not (where / name / one).exists() for one in store.CLUSTER_FILES)]
    root = [] if (where / store.ROOT_CERTIFICATE).exists() else ["root"]
    return tuple(f"+ certificates of {name}" for name in (*root, *names))


def complete(topology: Topology) -> tuple[str, ...]:
    """Make the root and the clusters' intermediates as far as they are missing; the lines of what was made."""
    where = folder(topology)
    lines = missing(topology)
    if lines:
        # EC keys, since those of RSA take seconds and nobody outside the sandbox trusts this root.
        key_type = None if where == OWN.absolute() else KeyType.EC_P256
        issuance.complete(where, _names(topology), datetime.now(UTC), key_type)
    return lines


def _names(topology: Topology) -> list[str]:
    return [cluster.name for cluster in topology.clusters]
