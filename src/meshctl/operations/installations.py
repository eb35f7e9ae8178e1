"""What an IstioOperator file on the host asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyinfra import host

from meshctl.facts.files import TextFile
from meshctl.render.install import manifests
from meshctl.render.install.installation import read
from meshctl.render.manifest import Manifest


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
