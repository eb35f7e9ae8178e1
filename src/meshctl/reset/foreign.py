"""What in a cluster is neither of our making nor of the machinery's: whole objects, and fields of ours; pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from meshctl.kube.client import FIELD_MANAGER
from meshctl.labs.environment import LABEL

Object = Mapping[str, Any]
# They come and go with the cluster's own work, whoever owns them.
PASSING = frozenset({"Event", "Lease", "PodMetrics", "NodeMetrics", "ComponentStatus", "ControllerRevision"})
# What controllers and istiod put into every namespace, or keep for themselves (Istio 1.31, pkg/kube/inject,
# pilot/pkg/leaderelection, security/pkg/pki/ca).
KNOWN = frozenset(
    {
        ("ServiceAccount", "default"),
        ("ConfigMap", "kube-root-ca.crt"),
        ("ConfigMap", "istio-ca-root-cert"),
        ("ConfigMap", "istio-ca-crl"),
        ("Secret", "istio-ca-secret"),
    }
)
ELECTIONS = ("istio-leader", "istio-gateway-", "istio-namespace-controller", "istio-analyze")
TOKEN = "kubernetes.io/service-account-token"  # noqa: S105 # the name of a type
# Managers by how their names begin. Python is the sandbox's controllers; before-first-apply may be anybody.
MACHINERY = (
    *("kube-", "kubelet", "k3s", "pilot-discovery", "istiod", "cloud-controller", "Python", "before-first-apply"),
    FIELD_MANAGER,
)
# A restart is nothing to undo: that would be another.
RESTARTED = "kubectl.kubernetes.io/restartedAt"
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stray:
    """An object that somebody else applied; `where` is its path in the API."""

    kind: str
    name: str
    where: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Addition:
    """Fields that somebody else set on an object of ours, as operations of a JSON patch that takes them away."""

    kind: str
    name: str
    where: str
    removals: tuple[str, ...]
    managers: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """One for each field."""
        by = f" (set by {', '.join(self.managers)})" if self.managers else ""
        return tuple(f"{self.kind} {self.name}: {_readable(one)}{by}" for one in self.removals)


def is_stray(kind: str, item: Object, services: Iterable[str] = ()) -> bool:
    """Whether an object of a namespace of ours is somebody else's; `services` are the names of its Services."""
    metadata = item["metadata"]
    name = metadata["name"]
    if LABEL in (metadata.get("labels") or {}):
        return True
    if kind in PASSING or (kind, name) in KNOWN or metadata.get("ownerReferences") or metadata.get("deletionTimestamp"):
        return False
    if kind == "ConfigMap" and name.startswith(ELECTIONS):
        return False
    if kind in ("Endpoints", "EndpointSlice") and name in services:
        return False
    if kind == "Secret" and item.get("type") == TOKEN and _of_default_account(metadata):
        return False
    return not is_ours(item)


def is_ours(item: Object) -> bool:
    """Whether `up` applied it."""
    return any(_is_our_apply(entry) for entry in item["metadata"].get("managedFields") or ())


def additions(item: Object, only: Sequence[Path] = ()) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """JSON pointers of the fields of an object of ours that are somebody else's alone, and who that is.

    `only` confines it to what lies under these paths.
    """
    entries = item["metadata"].get("managedFields") or ()
    kept = {path for entry in entries if not _is_foreign(entry) for path in _leaves(entry.get("fieldsV1") or {})}
    found: dict[str, None] = {}
    managers: dict[str, None] = {}
    for entry in filter(_is_foreign, entries):
        for path in _leaves(entry.get("fieldsV1") or {}):
            if path in kept or any(one[: len(path)] == path for one in kept) or not _is_under(path, only):
                continue
            pointer = _pointer(item, path)
            if pointer and RESTARTED not in path[-1]:
                found[pointer] = None
                managers[str(entry.get("manager"))] = None
    # From the end: taking one item of a list away moves those behind it.
    outermost = [one for one in found if not any(one.startswith(f"{other}/") for other in found)]
    return tuple(sorted(outermost, key=_order, reverse=True)), tuple(managers)


def replicas(item: Object) -> tuple[str, ...]:
    """The pointer of a Deployment's replicas if nobody who may has chosen them, and they are not the default's 1.

    Also `kubectl scale`, which some API servers don't note among the managed fields.
    """
    entries = item["metadata"].get("managedFields") or ()
    kept = {path for entry in entries if not _is_foreign(entry) for path in _leaves(entry.get("fieldsV1") or {})}
    chosen = ("f:spec", "f:replicas") in kept
    return () if chosen or item["spec"].get("replicas") == 1 else ("/spec/replicas",)


def labels(item: Object, wanted: Mapping[str, str], meant: Sequence[str]) -> tuple[str, ...]:
    """The pointers of an object's labels that are not wanted, among those whose keys contain one of `meant`."""
    found = item["metadata"].get("labels") or {}
    extra = [key for key in found if key not in wanted and any(part in key for part in meant)]
    return tuple(f"/metadata/labels/{_escaped(key)}" for key in sorted(extra))


def _of_default_account(metadata: Object) -> bool:
    return (metadata.get("annotations") or {}).get("kubernetes.io/service-account.name") == "default"


def _is_our_apply(entry: Object) -> bool:
    return entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply"


def _is_foreign(entry: Object) -> bool:
    return entry.get("subresource") != "status" and not str(entry.get("manager")).startswith(MACHINERY)


def _is_under(path: Path, only: Sequence[Path]) -> bool:
    return not only or any(all(part.startswith(start) for part, start in zip(path, one, strict=False)) for one in only)


def _leaves(fields: Mapping[str, Any], path: Path = ()) -> Iterator[Path]:
    """The fields of a fieldsV1 tree (sigs.k8s.io/structured-merge-diff v4): those with nothing below, and items."""
    for key, below in fields.items():
        if key == ".":
            if path and path[-1].startswith("k:"):
                yield path
        elif below and set(below) != {"."}:
            yield from _leaves(below, (*path, key))
        else:
            yield (*path, key)


def _pointer(item: Any, path: Path) -> str:
    """Where a field lies in the live object; empty if it isn't there."""
    at, parts = item, []
    for part in path:
        kind, _, name = part.partition(":")
        if kind == "f" and isinstance(at, Mapping) and name in at:
            key: str | int = name
        elif kind in ("k", "v") and isinstance(at, list):
            wanted = json.loads(name)
            key = next((n for n, one in enumerate(at) if _matches(one, wanted, kind)), -1)
            if key == -1:
                return ""
        else:
            return ""
        at = at[key]
        parts.append(_escaped(str(key)))
    return "/" + "/".join(parts)


def _escaped(key: str) -> str:
    """As a JSON pointer has it (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def _matches(one: Any, wanted: Any, kind: str) -> bool:
    if kind == "v":
        return bool(one == wanted)
    return isinstance(one, Mapping) and all(one.get(key) == value for key, value in wanted.items())


def _order(pointer: str) -> tuple[tuple[int, str], ...]:
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in pointer.split("/"))


def _readable(pointer: str) -> str:
    return ".".join(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
