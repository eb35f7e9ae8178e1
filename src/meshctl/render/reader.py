"""Who the primary's istiod is in a remote cluster: an account that may read what Istio reads, and its token."""

from __future__ import annotations

from meshctl.render.install import roles
from meshctl.render.manifest import ISTIO_SYSTEM, Manifest, manifest
from meshctl.render.remote_secret import READER

# Named as istioctl names it (istioctl/pkg/multicluster/remote_secret.go).
TOKEN = f"{READER}-istio-remote-secret-token"


def manifests() -> list[Manifest]:
    """ServiceAccount, ClusterRole and its binding as installing a remote makes them, and the account's token."""
    return [roles.reader_account(), *roles.reader(joined=True), token_secret()]


def token_secret() -> Manifest:
    """The Secret of the account's token, which does not expire."""
    annotations = {"kubernetes.io/service-account.name": READER}
    kind = "kubernetes.io/service-account-token"
    return manifest("v1", "Secret", TOKEN, ISTIO_SYSTEM, annotations=annotations, type=kind)
