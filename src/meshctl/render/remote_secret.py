"""The Secret through which the primary's istiod reads a remote cluster (istioctl/pkg/multicluster/remote_secret.go)."""

from __future__ import annotations

from base64 import b64encode

from meshctl.render.manifest import ISTIO_SYSTEM, Manifest, manifest, to_yaml

READER = "istio-reader-service-account"


def name(cluster: str) -> str:
    """Name of a cluster's remote secret."""
    return f"istio-remote-secret-{cluster}"


def secret(cluster: str, server: str, ca: bytes, token: str) -> Manifest:
    """The remote secret from the API server's URL, its CA in PEM and a token of istio-reader-service-account.

    The data key equals the cluster's name: a proxy's cluster ID must match it.
    """
    return manifest(
        "v1",
        "Secret",
        name(cluster),
        ISTIO_SYSTEM,
        labels={"istio/multiCluster": "true"},
        annotations={"networking.istio.io/cluster": cluster},
        type="Opaque",
        stringData={cluster: to_yaml([kubeconfig(cluster, server, ca, token)])},
    )


def kubeconfig(cluster: str, server: str, ca: bytes, token: str) -> Manifest:
    """A kubeconfig whose cluster, context and user carry the cluster's name."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": cluster, "cluster": {"certificate-authority-data": b64encode(ca).decode(), "server": server}}
        ],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": cluster}}],
        "current-context": cluster,
        "users": [{"name": cluster, "user": {"token": token}}],
    }
