"""Accounts and what they may do (Istio 1.31, istio-discovery: clusterrole.yaml, reader-clusterrole.yaml, role.yaml)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from meshctl.render.install.marks import RELEASE
from meshctl.render.manifest import ISTIO_SYSTEM, Manifest, manifest
from meshctl.render.remote_secret import READER

RBAC = "rbac.authorization.k8s.io"
ISTIOD = "istiod"
READER_ROLE = f"istio-reader-clusterrole-{ISTIO_SYSTEM}"
_READ, _WRITE = ("get", "list", "watch"), ("update", "patch", "create", "delete")
_ISTIO = [f"{one}.istio.io" for one in ("config", "security", "networking", "authentication", "rbac", "telemetry")]
_ISTIO.append("extensions.istio.io")
_GATEWAYS = ["networking.x-k8s.io", "gateway.networking.k8s.io"]
_MCS, _ADMISSION, _NETWORKING = "multicluster.x-k8s.io", "admissionregistration.k8s.io", "networking.k8s.io"
Rule = dict[str, Any]


def reader_account() -> Manifest:
    """The account whose token other clusters' control planes get."""
    return manifest("v1", "ServiceAccount", READER, ISTIO_SYSTEM, labels=_labels("istio-reader"))


def reader(joined: bool) -> list[Manifest]:
    """What a control plane in another cluster may do here; more if it is `joined` to that one."""
    core = ("endpoints", "pods", "services", "nodes", "replicationcontrollers", "namespaces", "secrets", "configmaps")
    rules = [
        _rule(_ISTIO, ["*"]),
        _rule([""], core),
        _rule(["networking.istio.io"], ["workloadentries"]),
        _rule(_GATEWAYS, ["gateways"]),
        _rule(["apiextensions.k8s.io"], ["customresourcedefinitions"]),
        _rule(["discovery.k8s.io"], ["endpointslices"]),
        _rule([_MCS], ["serviceexports"], [*_READ, "create", "delete"]),
        _rule([_MCS], ["serviceimports"]),
        _rule(["apps"], ["replicasets"]),
        *_reviews(),
    ]
    if joined:
        rules += [_configmaps(), *_webhooks()]
    return _granted("istio-reader", READER_ROLE, READER, rules)


def istiod() -> list[Manifest]:
    """istiod's account, what it may do in its own cluster, and what more in its own namespace."""
    return [
        manifest("v1", "ServiceAccount", ISTIOD, ISTIO_SYSTEM, labels=_labels(ISTIOD)),
        *_granted(ISTIOD, f"istiod-clusterrole-{ISTIO_SYSTEM}", ISTIOD, _discovery()),
        *_granted(ISTIOD, f"istiod-gateway-controller-{ISTIO_SYSTEM}", ISTIOD, _gateway_controller()),
        *_own_namespace(),
    ]


def _discovery() -> list[Rule]:
    entries = ["workloadentries", "workloadentries/status"]
    requests = "certificatesigningrequests"
    signing = [requests, f"{requests}/approval", f"{requests}/status"]
    signer = _rule(["certificates.k8s.io"], ["signers"], ["approve"])
    return [
        *_webhooks(),
        _rule(_ISTIO, ["*"]),
        *(_rule(["networking.istio.io"], [one], [*_READ, *_WRITE]) for one in entries),
        _rule(["networking.istio.io"], ["serviceentries/status"], [*_READ, *_WRITE]),
        _rule(["security.istio.io"], ["authorizationpolicies/status"], [*_READ, *_WRITE]),
        _rule([""], ["services/status"], [*_READ, *_WRITE]),
        _rule(["apiextensions.k8s.io"], ["customresourcedefinitions"]),
        _rule([""], ["pods", "nodes", "services", "namespaces", "endpoints"]),
        _rule(["discovery.k8s.io"], ["endpointslices"]),
        _rule([_NETWORKING], ["ingresses", "ingressclasses"]),
        _rule([_NETWORKING], ["ingresses/status"], ["*"]),
        _configmaps(),
        _rule(["certificates.k8s.io"], signing, ["update", "create", "get", "delete", "watch"]),
        {**signer, "resourceNames": ["kubernetes.io/legacy-unknown"]},
        *_reviews(),
        _rule(_GATEWAYS, ["*"]),
        _rule(_GATEWAYS, ["*"], ["update", "patch"]),
        _rule([_GATEWAYS[1]], ["gatewayclasses"], _WRITE),
        _rule([""], ["secrets"]),
        _rule([_MCS], ["serviceexports"], [*_READ, "create", "delete"]),
        _rule([_MCS], ["serviceimports"]),
    ]


def _gateway_controller() -> list[Rule]:
    kinds = {
        "apps": ["deployments"],
        "autoscaling": ["horizontalpodautoscalers"],
        "policy": ["poddisruptionbudgets"],
        "": ["services"],
    }
    accounts = _rule([""], ["serviceaccounts"], [*_READ, *_WRITE])
    return [*(_rule([group], names, [*_READ, *_WRITE]) for group, names in kinds.items()), accounts]


def _own_namespace() -> list[Manifest]:
    rules = [
        _rule(["networking.istio.io"], ["gateways"], ["create"]),
        _rule([""], ["secrets"], ["create", "get", "watch", "list", "update", "delete"]),
        _rule([""], ["configmaps"], ["delete"]),
        _rule(["coordination.k8s.io"], ["leases"], ["get", "update", "patch", "create"]),
    ]
    labels = _labels(ISTIOD)
    reference = {"apiGroup": RBAC, "kind": "Role", "name": ISTIOD}
    return [
        manifest(f"{RBAC}/v1", "Role", ISTIOD, ISTIO_SYSTEM, labels=labels, rules=rules),
        manifest(
            f"{RBAC}/v1",
            "RoleBinding",
            ISTIOD,
            ISTIO_SYSTEM,
            labels=labels,
            roleRef=reference,
            subjects=[_subject(ISTIOD)],
        ),
    ]


def _reviews() -> list[Rule]:
    return [
        _rule(["authentication.k8s.io"], ["tokenreviews"], ["create"]),
        _rule(["authorization.k8s.io"], ["subjectaccessreviews"], ["create"]),
    ]


def _configmaps() -> Rule:
    return _rule([""], ["configmaps"], ["create", *_READ, "update"])


def _webhooks() -> list[Rule]:
    return [
        _rule([_ADMISSION], ["mutatingwebhookconfigurations"], [*_READ, "update", "patch"]),
        _rule([_ADMISSION], ["validatingwebhookconfigurations"], [*_READ, "update"]),
    ]


def _granted(app: str, role: str, account: str, rules: list[Rule]) -> list[Manifest]:
    labels = _labels(app)
    reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": role}
    subjects = [_subject(account)]
    return [
        manifest(f"{RBAC}/v1", "ClusterRole", role, labels=labels, rules=rules),
        manifest(f"{RBAC}/v1", "ClusterRoleBinding", role, labels=labels, roleRef=reference, subjects=subjects),
    ]


def _subject(account: str) -> dict[str, str]:
    return {"kind": "ServiceAccount", "name": account, "namespace": ISTIO_SYSTEM}


def _labels(app: str) -> dict[str, str]:
    return {"app": app, **RELEASE}


def _rule(groups: Sequence[str], resources: Sequence[str], verbs: Iterable[str] = _READ) -> Rule:
    return {"apiGroups": list(groups), "resources": list(resources), "verbs": list(verbs)}
