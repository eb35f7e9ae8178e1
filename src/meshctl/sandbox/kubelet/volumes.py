"""What a pod's volumes hold: the files of Secrets, ConfigMaps, the pod's own fields and tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from meshctl.sandbox.kubelet import fields
from meshctl.sandbox.kubelet.environment import Lookup, MissingConfig, content
from meshctl.sandbox.kubelet.payload import File

Object = Mapping[str, Any]
MODE = 0o644
TOKEN_SECONDS = 3600
# Folders of the pod itself; what a claim or a path of the machine would bring is not here.
FOLDERS = ("emptyDir", "hostPath", "persistentVolumeClaim", "ephemeral", "csi", "image")


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token that a volume wants: `path` in it; `audience` is empty for the API server's own."""

    path: str
    audience: str
    seconds: int
    mode: int


def by_name(pod: Object) -> dict[str, Object]:
    """The pod's volumes."""
    return {one["name"]: one for one in pod["spec"].get("volumes") or ()}


def is_folder(volume: Object) -> bool:
    """Whether it is a place to write to, not a view of objects."""
    return any(kind in volume for kind in FOLDERS) or set(volume) == {"name"}


def files(volume: Object, pod: Object, lookup: Lookup) -> dict[str, File]:
    """The files that objects and fields bring, by path; MissingConfig names what is not there."""
    found: dict[str, File] = {}
    for kind, source, mode in _sources(volume):
        found.update(_of_source(kind, source, mode, pod, lookup))
    return found


def tokens(volume: Object) -> list[TokenRequest]:
    """The tokens that it wants, which are to be asked for."""
    return [
        TokenRequest(
            source["path"], source.get("audience") or "", int(source.get("expirationSeconds") or TOKEN_SECONDS), mode
        )
        for kind, source, mode in _sources(volume)
        if kind == "serviceAccountToken"
    ]


def owner(pod: Object) -> tuple[int, int, int]:
    """User, group and mode of a token's file: whoever runs in the pod may read it, others may not (KEP 1205)."""
    group = (pod["spec"].get("securityContext") or {}).get("fsGroup")
    if group is not None:
        return 0, int(group), 0o640
    users = {_user(pod, one) for one in (*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ()))}
    return (users.pop(), 0, 0o600) if len(users) == 1 else (0, 0, 0o644)


def _user(pod: Object, container: Object) -> int:
    contexts = (container.get("securityContext") or {}, pod["spec"].get("securityContext") or {})
    return int(next((one["runAsUser"] for one in contexts if one.get("runAsUser") is not None), 0))


def _sources(volume: Object) -> Iterator[tuple[str, Object, int]]:
    if projected := volume.get("projected"):
        mode = projected.get("defaultMode", MODE)
        for source in projected.get("sources") or ():
            for kind, stated in source.items():
                yield kind, stated, mode
    for kind in ("secret", "configMap", "downwardAPI"):
        if stated := volume.get(kind):
            yield kind, stated, stated.get("defaultMode", MODE)


def _of_source(kind: str, source: Object, mode: int, pod: Object, lookup: Lookup) -> dict[str, File]:
    if kind == "downwardAPI":
        return {one["path"]: File(_own(one, pod), one.get("mode") or mode) for one in source.get("items") or ()}
    if kind not in ("secret", "configMap"):
        return {}
    plural = {"secret": "secrets", "configMap": "configmaps"}[kind]
    name = source.get("secretName") or source.get("name") or ""
    obj = lookup(plural, pod["metadata"]["namespace"], name)
    if obj is None:
        if source.get("optional"):
            return {}
        raise MissingConfig(f'{kind.lower()} "{name}" not found')
    return _selected(source, content(obj, plural), mode, f"{kind.lower()} {name}")


def _selected(source: Object, entries: Mapping[str, bytes], mode: int, called: str) -> dict[str, File]:
    items = source.get("items")
    if not items:
        return {key: File(value, mode) for key, value in entries.items()}
    missing = [one["key"] for one in items if one["key"] not in entries]
    if missing and not source.get("optional"):
        raise MissingConfig(f"{called} references non-existent config key: {missing[0]}")
    return {one["path"]: File(entries[one["key"]], one.get("mode") or mode) for one in items if one["key"] in entries}


def _own(item: Object, pod: Object) -> bytes:
    if reference := item.get("fieldRef"):
        return fields.field(pod, reference["fieldPath"]).encode()
    reference = item["resourceFieldRef"]
    containers = {one["name"]: one for one in pod["spec"]["containers"]}
    return fields.resource(containers[reference["containerName"]], reference, {}).encode()
