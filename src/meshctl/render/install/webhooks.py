"""Webhook configurations: injection, and validation of what bears the revision's label (Istio 1.31)."""

from __future__ import annotations

from typing import Any

from meshctl.render.install.installation import REVISION, Installation
from meshctl.render.install.marks import RELEASE, owned
from meshctl.render.manifest import ISTIO_SYSTEM, Manifest, manifest

ADMISSION = "admissionregistration.k8s.io/v1"
INJECTOR, VALIDATOR = "istio-sidecar-injector", f"istio-validator-{ISTIO_SYSTEM}"
SUFFIX = "sidecar-injector.istio.io"
_NAMESPACE, _POD, _REVISION = "istio-injection", "sidecar.istio.io/inject", "istio.io/rev"
_GROUPS = ["security.istio.io", "networking.istio.io", "telemetry.istio.io", "extensions.istio.io"]


def injection(installation: Installation) -> Manifest:
    """Four ways to ask for a proxy: by the revision's or by istio-injection's label, on a namespace or on a pod."""
    ours = [_is(_REVISION, "In", REVISION)]
    silent = [_is(_NAMESPACE, "DoesNotExist")]
    unasked = [_is(_REVISION, "DoesNotExist")]
    willing = [_is(_POD, "NotIn", "false")]
    selectors = {
        f"rev.namespace.{SUFFIX}": ([*ours, *silent], willing),
        f"rev.object.{SUFFIX}": ([*unasked, *silent], [*willing, *ours]),
        f"namespace.{SUFFIX}": ([_is(_NAMESPACE, "In", "enabled")], willing),
        f"object.{SUFFIX}": ([*silent, *unasked], [_is(_POD, "In", "true"), *unasked]),
    }
    client = _client(installation)
    hooks = [_hook(name, client, *expressions) for name, expressions in selectors.items()]
    labels = {"app": "sidecar-injector", **RELEASE, **owned("Pilot")}
    return manifest(ADMISSION, "MutatingWebhookConfiguration", INJECTOR, labels=labels, webhooks=hooks)


def _hook(name: str, client: dict[str, Any], namespaces: list[Any], pods: list[Any]) -> dict[str, Any]:
    rule = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
    return {
        "name": name,
        "clientConfig": client,
        "sideEffects": "None",
        "rules": [rule],
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "admissionReviewVersions": ["v1"],
        "namespaceSelector": {"matchExpressions": namespaces},
        "objectSelector": {"matchExpressions": pods},
    }


def _client(installation: Installation) -> dict[str, Any]:
    remote = installation.remote
    if remote.get("injectionURL"):
        return {"url": remote["injectionURL"]}
    path = remote.get("injectionPath") or "/inject"
    return {"service": {"name": "istiod", "namespace": ISTIO_SYSTEM, "path": path, "port": 443}}


def _is(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


def validation() -> Manifest:
    """Judges objects with the revision's label, and lets them pass while nobody is there to judge."""
    rule = {"operations": ["CREATE", "UPDATE"], "apiGroups": _GROUPS, "apiVersions": ["*"], "resources": ["*"]}
    hook = {
        "name": "rev.validation.istio.io",
        "clientConfig": {"service": {"name": "istiod", "namespace": ISTIO_SYSTEM, "path": "/validate"}},
        "rules": [rule],
        "failurePolicy": "Ignore",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "objectSelector": {"matchExpressions": [_is(_REVISION, "In", REVISION)]},
    }
    labels = {"app": "istiod", "istio": "istiod", _REVISION: REVISION, **RELEASE}
    return manifest(ADMISSION, "ValidatingWebhookConfiguration", VALIDATOR, labels=labels, webhooks=[hook])
