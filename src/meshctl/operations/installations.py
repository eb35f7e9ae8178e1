"""What an IstioOperator file on the host asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyinfra import host

from meshctl.facts.files import TextFile
from meshctl.kube.access import Access
from meshctl.kube.client import Client
from meshctl.render.install import manifests
from meshctl.render.install.installation import read
from meshctl.render.manifest import ISTIO_SYSTEM, Manifest, manifest

ROOT = "istio-ca-root-cert"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Objects in the order in which they are made; `injected` are those whose pods need an injector that works."""

    plain: list[Manifest]
    injected: list[Manifest]

    @property
    def all(self) -> list[Manifest]:
        """Every one of them."""
        return [*self.plain, *self.injected]

    @property
    def deployments(self) -> list[str]:
        """Names of what runs in istio-system."""
        return [one["metadata"]["name"] for one in self.all if one["kind"] == "Deployment"]


def wanted(file: str | None, addresses: Mapping[str, Sequence[str]] | None = None) -> Wanted:
    """The objects of a file on the host; of the one that `istio_operators.py` would write, where there is none yet.

    `addresses`: `externalIPs` by the name of a Service, which on other clusters one would patch into it.
    """
    if file is None:
        return Wanted([], [])
    text = host.get_fact(TextFile, path=file) or host.data.istio_files[file]
    found = manifests.manifests(read(text, host.data.istio_version, f"{host.name}:{file}"))
    for one in found:
        if one["kind"] == "Service" and (own := (addresses or {}).get(one["metadata"]["name"])):
            one["spec"]["externalIPs"] = list(own)
    return Wanted([one for one in found if not manifests.injected(one)], list(filter(manifests.injected, found)))


def addressed(file: str | None, addresses: Mapping[str, Sequence[str]]) -> list[Manifest]:
    """The Services of a file with nothing but the addresses that the file does not state."""
    if file is None:
        return []
    return [
        manifest("v1", "Service", name, ISTIO_SYSTEM, spec={"externalIPs": list(own)})
        for name, own in addresses.items()
        if own
    ]


def published(file: str | None, access: Mapping[str, str] | None) -> list[Manifest]:
    """What istiod wrote by itself: the mesh's root certificate into every namespace."""
    if file is None or access is None:
        return []
    namespaces = Client(Access(**access)).items("/api/v1/namespaces")
    return [manifest("v1", "ConfigMap", ROOT, one["metadata"]["name"]) for one in namespaces]
