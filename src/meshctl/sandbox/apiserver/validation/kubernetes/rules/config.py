"""Rules of ConfigMaps, Secrets and ServiceAccounts."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

from meshctl.sandbox.apiserver.validation import names
from meshctl.sandbox.apiserver.validation.cause import Cause, forbidden, invalid, required, too_long
from meshctl.sandbox.apiserver.validation.kubernetes.rules.values import IMMUTABLE, Object, wrong

_LIMIT = 1024 * 1024
_FIXED = "field is immutable when `immutable` is set"
_NEEDED = {"kubernetes.io/tls": ("tls.crt", "tls.key"), "kubernetes.io/ssh-auth": ("ssh-privatekey",)}
_DOCKER = {
    "kubernetes.io/dockercfg": ".dockercfg",
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
}
_ACCOUNT = "kubernetes.io/service-account.name"


def config_map_causes(obj: Object) -> Iterator[Cause]:
    """A ConfigMap."""
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    for key in data:
        yield from wrong(f"data[{key}]", key, names.config_key(key))
        if key in binary:
            yield invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
    for key in binary:
        yield from wrong(f"binaryData[{key}]", key, names.config_key(key))
    size = sum(len(value.encode()) for value in data.values()) + sum(len(value) * 3 // 4 for value in binary.values())
    if size > _LIMIT:
        yield too_long("[]", _LIMIT)


def fixed_causes(obj: Object, old: Object) -> Iterator[Cause]:
    """What may not change of a ConfigMap or a Secret that is immutable."""
    if not old.get("immutable"):
        return
    if not obj.get("immutable"):
        yield forbidden("immutable", _FIXED)
    for field in ("data", "binaryData"):
        if (obj.get(field) or {}) != (old.get(field) or {}):
            yield forbidden(field, _FIXED)


def secret_causes(obj: Object) -> Iterator[Cause]:
    """A Secret."""
    data, kind = obj.get("data") or {}, obj.get("type") or ""
    for key in data:
        yield from wrong(f"data[{key}]", key, names.config_key(key))
    if sum(len(value) * 3 // 4 for value in data.values()) > _LIMIT:
        yield too_long("data", _LIMIT)
    for key in _NEEDED.get(kind, ()):
        if key not in data:
            yield required(f"data[{key}]")
    if kind in _DOCKER:
        yield from _docker(data, _DOCKER[kind])
    if kind == "kubernetes.io/basic-auth" and not {"username", "password"} & data.keys():
        yield required("data[username]")
        yield required("data[password]")
    if kind == "kubernetes.io/service-account-token":
        annotations = obj.get("metadata", {}).get("annotations") or {}
        if not annotations.get(_ACCOUNT):
            yield required(f"metadata.annotations[{_ACCOUNT}]")


def _docker(data: Object, key: str) -> Iterator[Cause]:
    if key not in data:
        yield required(f"data[{key}]")
        return
    try:
        json.loads(base64.b64decode(data[key]))
    except ValueError as error:
        yield invalid(f"data[{key}]", "<secret contents redacted>", str(error))


def secret_change_causes(obj: Object, old: Object) -> Iterator[Cause]:
    """A Secret keeps its type."""
    if obj.get("type") != old.get("type"):
        yield invalid("type", obj.get("type"), IMMUTABLE)
    yield from fixed_causes(obj, old)
