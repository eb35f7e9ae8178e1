"""How the API of one cluster is reached, and the paths of its objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PLURALS = {"Gateway": "gateways", "NetworkPolicy": "networkpolicies", "Endpoints": "endpoints", "Ingress": "ingresses"}
CLUSTER_WIDE = frozenset(
    {
        *("Namespace", "Node", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"),
        *("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
    }
)


@dataclass(frozen=True, slots=True)
class Access:
    """A server's URL and the files of its CA and of a client certificate with its key."""

    server: str
    authority: str
    certificate: str
    key: str


def path(manifest: Mapping[str, Any]) -> str:
    """The URL path of an object, from its apiVersion, kind, namespace and name."""
    return f"{collection(manifest)}/{manifest['metadata']['name']}"


def collection(manifest: Mapping[str, Any]) -> str:
    """The URL path under which objects of that kind and namespace lie."""
    version, kind = manifest["apiVersion"], manifest["kind"]
    start = f"/apis/{version}" if "/" in version else f"/api/{version}"
    plural = PLURALS.get(kind) or kind.lower() + "s"
    if kind in CLUSTER_WIDE:
        return f"{start}/{plural}"
    return f"{start}/namespaces/{manifest['metadata'].get('namespace', 'default')}/{plural}"
