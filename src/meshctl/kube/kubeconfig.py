"""Kubeconfig documents: ours for the clusters of a topology, and ours within somebody's own."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from meshctl.errors import UsageError

Document = dict[str, Any]
SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}
MARK = "meshctl"


@dataclass(frozen=True, slots=True)
class Entry:
    """One cluster: the server's URL, its CA and the client's certificate and key, in PEM."""

    cluster: str
    server: str
    authority: bytes
    certificate: bytes
    key: bytes = field(repr=False)


def document(topology: str, entries: Sequence[Entry]) -> Document:
    """A kubeconfig whose contexts, clusters and users are named after the clusters; the first is the current one.

    Each entry carries the topology's name as an extension, which is how `without` knows it again.
    """
    mark = [{"name": MARK, "extension": {"topology": topology}}]
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [_named(one, "cluster", {**_cluster(one), "extensions": mark}) for one in entries],
        "users": [_named(one, "user", {**_user(one), "extensions": mark}) for one in entries],
        "contexts": [
            _named(one, "context", {"cluster": one.cluster, "user": one.cluster, "extensions": mark}) for one in entries
        ],
        "current-context": entries[0].cluster,
    }


def merged(theirs: Mapping[str, Any], ours: Document, topology: str) -> Document:
    """Their document with our entries in it, current context kept; UsageError if a name of ours is taken."""
    result = without(theirs, topology)
    for section in SECTIONS:
        present = result.get(section) or []
        taken = {one["name"] for one in present} & {one["name"] for one in ours[section]}
        if taken:
            names = ", ".join(sorted(taken))
            raise UsageError(f"{section} {names} are in the kubeconfig already and not ours; rename them there")
        result[section] = [*present, *ours[section]]
    result.setdefault("apiVersion", "v1")
    result.setdefault("kind", "Config")
    result["current-context"] = theirs.get("current-context") or ours["current-context"]
    return result


def without(theirs: Mapping[str, Any], topology: str) -> Document:
    """Their document without the entries of that topology."""
    result = dict(theirs)
    gone = {one["name"] for one in theirs.get("contexts") or [] if _is_ours(one, "context", topology)}
    for section, kind in SECTIONS.items():
        if section in theirs:
            result[section] = [one for one in theirs[section] or [] if not _is_ours(one, kind, topology)]
    if theirs.get("current-context") in gone:
        result["current-context"] = ""
    return result


def _is_ours(one: Mapping[str, Any], kind: str, topology: str) -> bool:
    extensions = (one.get(kind) or {}).get("extensions") or []
    return any(each["name"] == MARK and each["extension"].get("topology") == topology for each in extensions)


def _named(entry: Entry, kind: str, value: Document) -> Document:
    return {"name": entry.cluster, kind: value}


def _cluster(entry: Entry) -> Document:
    return {"server": entry.server, "certificate-authority-data": _text(entry.authority)}


def _user(entry: Entry) -> Document:
    return {"client-certificate-data": _text(entry.certificate), "client-key-data": _text(entry.key)}


def _text(pem: bytes) -> str:
    return b64encode(pem).decode()
