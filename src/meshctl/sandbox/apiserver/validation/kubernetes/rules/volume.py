"""Rules of a pod's volumes."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from meshctl.sandbox.apiserver.validation import names, quantity
from meshctl.sandbox.apiserver.validation.cause import Cause, duplicate, forbidden, invalid, required, unsupported
from meshctl.sandbox.apiserver.validation.kubernetes.rules.values import Object, wrong

_MODES = "must be a number between 0 and 0777 (octal), both inclusive"
_HOST_PATHS = (*("", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"),)


def volume_causes(volumes: Collection[Object], field: str) -> Iterator[Cause]:
    """The volumes of a pod."""
    seen: set[str] = set()
    for at, volume in enumerate(volumes):
        inner, name = f"{field}[{at}]", volume.get("name") or ""
        yield from _source(volume, inner)
        if not name:
            yield required(f"{inner}.name")
            continue
        yield from wrong(f"{inner}.name", name, names.label(name))
        if name in seen:
            yield duplicate(f"{inner}.name", name)
        seen.add(name)


def _source(volume: Object, field: str) -> Iterator[Cause]:
    given = [name for name in volume if name != "name"]
    if not given:
        yield required(field, "must specify a volume type")
    for name in given[1:]:
        yield forbidden(f"{field}.{name}", "may not specify more than 1 volume type")
    if given:
        yield from _one_source(given[0], volume[given[0]], f"{field}.{given[0]}")


def _one_source(kind: str, source: Object, field: str) -> Iterator[Cause]:
    match kind:
        case "configMap":
            yield from _named(source, field, "name")
            yield from _items(source, field)
        case "secret":
            yield from _named(source, field, "secretName")
            yield from _items(source, field)
        case "emptyDir":
            size = source.get("sizeLimit")
            if size is not None and quantity.value(size) < 0:
                yield forbidden(f"{field}.sizeLimit", "SizeLimit field must be a valid resource quantity")
        case "hostPath":
            yield from _host_path(source, field)
        case "persistentVolumeClaim":
            yield from _named(source, field, "claimName")
        case "projected" | "downwardAPI":
            yield from _mode(source.get("defaultMode"), f"{field}.defaultMode")


def _named(source: Object, field: str, name: str) -> Iterator[Cause]:
    if not source.get(name):
        yield required(f"{field}.{name}")


def _items(source: Object, field: str) -> Iterator[Cause]:
    yield from _mode(source.get("defaultMode"), f"{field}.defaultMode")
    for at, item in enumerate(source.get("items") or ()):
        inner = f"{field}.items[{at}]"
        if not item.get("key"):
            yield required(f"{inner}.key")
        path = item.get("path") or ""
        if not path:
            yield required(f"{inner}.path")
        elif path.startswith("/"):
            yield invalid(f"{inner}.path", path, "must be a relative path")
        elif ".." in path.split("/"):
            yield invalid(f"{inner}.path", path, "must not contain '..'")
        yield from _mode(item.get("mode"), f"{inner}.mode")


def _mode(mode: int | None, field: str) -> Iterator[Cause]:
    if mode is not None and not 0 <= mode <= 0o777:
        yield invalid(field, mode, _MODES)


def _host_path(source: Object, field: str) -> Iterator[Cause]:
    path = source.get("path") or ""
    if not path:
        yield required(f"{field}.path")
    elif ".." in path.split("/"):
        yield invalid(f"{field}.path", path, "must not contain '..'")
    if (source.get("type") or "") not in _HOST_PATHS:
        yield unsupported(f"{field}.type", source["type"], sorted(_HOST_PATHS))
