"""All objects of an installation, in the order in which they are applied; the kinds of CRDs are there already."""

from __future__ import annotations

from collections.abc import Iterator

from meshctl.render.install import configmaps, gateway, istiod, joining, roles, webhooks
from meshctl.render.install.installation import Installation
from meshctl.render.manifest import Manifest

# What others refer to comes first, what starts pods last; kinds that are not named lie between.
_FIRST = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "ConfigMap")
_LAST = ("Service", "EndpointSlice", "Deployment", "HorizontalPodAutoscaler")


def manifests(installation: Installation) -> list[Manifest]:
    """Every object that the installation consists of."""
    return sorted(_manifests(installation), key=_rank)


def _manifests(installation: Installation) -> Iterator[Manifest]:
    if installation.base:
        yield roles.reader_account()
    if installation.pilot:
        yield from _pilot(installation)
    for one in installation.gateways:
        yield from gateway.manifests(installation, one)


def _pilot(installation: Installation) -> Iterator[Manifest]:
    yield from roles.reader(installation.joined)
    yield configmaps.installed(installation)
    yield webhooks.injection(installation)
    if installation.joined:
        yield from joining.manifests(installation)
    if installation.local:
        yield from roles.istiod()
        yield configmaps.mesh(installation)
        yield configmaps.injector(installation)
        yield webhooks.validation()
        yield istiod.service()
        yield from istiod.workload(installation)


def _rank(one: Manifest) -> int:
    kind = one["kind"]
    if kind in _FIRST:
        return _FIRST.index(kind)
    return len(_FIRST) + (_LAST.index(kind) + 1 if kind in _LAST else 0)


def injected(one: Manifest) -> bool:
    """Whether it starts pods that get their proxy by injection."""
    template = (one.get("spec") or {}).get("template") or {}
    return "inject.istio.io/templates" in ((template.get("metadata") or {}).get("annotations") or {})
