"""Who the primary's istiod is in a remote cluster: an account that may read what Istio reads.

Names and rules of manifests/charts/istio-control/istio-discovery/templates/reader-*.yaml, Istio 1.31, without the
right to make ServiceExports, which only multi-cluster services need.
"""

from __future__ import annotations

from typing import Any

from meshctl.render.manifest import ISTIO_SYSTEM, Manifest, manifest
from meshctl.render.remote_secret import READER

ROLE = f"istio-reader-clusterrole-{ISTIO_SYSTEM}"
# Named as istioctl names it (istioctl/pkg/multicluster/remote_secret.go).
TOKEN = f"{READER}-istio-remote-secret-token"
LABELS = {"app": "istio-reader"}
RBAC = "rbac.authorization.k8s.io"
READ = ("get", "list", "watch")
ISTIO = ("config", "security", "networking", "authentication", "rbac", "telemetry", "extensions")
CORE = ("endpoints", "pods", "services", "nodes", "replicationcontrollers", "namespaces", "secrets")


def manifests() -> list[Manifest]:
    """ServiceAccount, ClusterRole, its binding, and the Secret that gets the account's token."""
    subject = {"kind": "ServiceAccount", "name": READER, "namespace": ISTIO_SYSTEM}
    role = {"apiGroup": RBAC, "kind": "ClusterRole", "name": ROLE}
    return [
        manifest("v1", "ServiceAccount", READER, ISTIO_SYSTEM, labels=LABELS),
        manifest(f"{RBAC}/v1", "ClusterRole", ROLE, labels=LABELS, rules=_rules()),
        manifest(f"{RBAC}/v1", "ClusterRoleBinding", ROLE, labels=LABELS, roleRef=role, subjects=[subject]),
        token_secret(),
    ]


def token_secret() -> Manifest:
    """The Secret of the account's token, which does not expire."""
    annotations = {"kubernetes.io/service-account.name": READER}
    kind = "kubernetes.io/service-account-token"
    return manifest("v1", "Secret", TOKEN, ISTIO_SYSTEM, annotations=annotations, type=kind)


def _rules() -> list[dict[str, Any]]:
    return [
        _rule([f"{group}.istio.io" for group in ISTIO], ["*"]),
        _rule([""], CORE),
        _rule(["networking.x-k8s.io", "gateway.networking.k8s.io"], ["gateways"]),
        _rule(["apiextensions.k8s.io"], ["customresourcedefinitions"]),
        _rule(["discovery.k8s.io"], ["endpointslices"]),
        _rule(["multicluster.x-k8s.io"], ["serviceexports", "serviceimports"]),
        _rule(["apps"], ["replicasets"]),
        _rule(["authentication.k8s.io"], ["tokenreviews"], ["create"]),
        _rule(["authorization.k8s.io"], ["subjectaccessreviews"], ["create"]),
    ]


def _rule(groups: Any, resources: Any, verbs: Any = READ) -> dict[str, Any]:
    return {"apiGroups": list(groups), "resources": list(resources), "verbs": list(verbs)}
