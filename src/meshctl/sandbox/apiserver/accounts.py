"""Pods get a service account, and a volume with its token: admission plugin ServiceAccount."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.failure import forbidden
from meshctl.sandbox.apiserver.names import suffix

Object = dict[str, Any]

DEFAULT = "default"
MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
VOLUME_PREFIX = "kube-api-access-"
MIRROR = "kubernetes.io/config.mirror"


def mount(api: Api, pod: Object) -> None:
    """Name the account, project its token, the CA and the namespace; Failure 403 if there is no such account."""
    metadata, spec = pod["metadata"], pod["spec"]
    if MIRROR in (metadata.get("annotations") or {}):
        return
    name = spec.get("serviceAccountName") or spec.get("serviceAccount") or DEFAULT
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    account = api.lookup("serviceaccounts", metadata["namespace"], name)
    if account is None:
        place = f"{metadata['namespace']}/{name}"
        message = f'error looking up service account {place}: serviceaccount "{name}" not found'
        raise forbidden("", "pods", metadata.get("name", ""), message)
    if account.get("imagePullSecrets") and not spec.get("imagePullSecrets"):
        spec["imagePullSecrets"] = account["imagePullSecrets"]
    if _wanted(spec, account):
        _project(spec)


def _wanted(spec: Mapping[str, Any], account: Mapping[str, Any]) -> bool:
    own = spec.get("automountServiceAccountToken")
    return bool(account.get("automountServiceAccountToken", True) if own is None else own)


def _project(spec: Object) -> None:
    volumes = spec.get("volumes") or []
    present = next((one["name"] for one in volumes if one["name"].startswith(VOLUME_PREFIX)), "")
    name = present or VOLUME_PREFIX + suffix(random.SystemRandom())
    mounted = False
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        mounts = container.get("volumeMounts") or []
        if not any(one.get("mountPath") == MOUNT_PATH for one in mounts):
            container["volumeMounts"] = [*mounts, {"name": name, "readOnly": True, "mountPath": MOUNT_PATH}]
            mounted = True
    if mounted and not present:
        spec["volumes"] = [*volumes, {"name": name, "projected": _sources()}]


def _sources() -> Object:
    authority = {"key": "ca.crt", "path": "ca.crt"}
    field = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    return {
        "defaultMode": 420,
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [authority]}},
            {"downwardAPI": {"items": [field]}},
        ],
    }
