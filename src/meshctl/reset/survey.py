"""Everything that the API of one cluster lists, searched for what is not as `up` left it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from meshctl.kube.client import ApiError, Client
from meshctl.mesh.clusters import together
from meshctl.render.manifest import ISTIO_SYSTEM
from meshctl.render.namespaces import BOOKINFO
from meshctl.reset import foreign
from meshctl.reset.foreign import Addition, Path, Stray

NAMESPACES = (ISTIO_SYSTEM, BOOKINFO)
# Kubernetes' own, which are no student's.
SYSTEM = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})
WEBHOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
# A node belongs to its cluster: only where it is said to stand, and whether pods may go there, is the mesh's affair.
OF_NODES: tuple[Path, ...] = (
    ("f:metadata", "f:labels", "f:topology."),
    ("f:spec", "f:unschedulable"),
    ("f:spec", "f:taints"),
)


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind as discovery tells it."""

    version: str
    plural: str
    kind: str
    namespaced: bool

    def path(self, item: Mapping[str, Any]) -> str:
        """Of an object."""
        metadata = item["metadata"]
        place = f"namespaces/{metadata['namespace']}/" if self.namespaced else ""
        return f"{self.version}/{place}{self.plural}/{metadata['name']}"


@dataclass(frozen=True, slots=True)
class Found:
    """What is to be undone in a cluster, and the namespaces of others, which are left alone."""

    strays: tuple[Stray, ...]
    additions: tuple[Addition, ...]
    others: tuple[str, ...]


def survey(client: Client) -> Found:
    """Look through a cluster."""
    resources = [one for one in _resources(client) if one.kind not in foreign.PASSING]
    listed = dict(zip(resources, together(lambda one: _items(client, one), resources), strict=True))
    services = [item["metadata"]["name"] for one, items in listed.items() if one.kind == "Service" for item in items]
    strays: dict[tuple[str, str], Stray] = {}
    additions: dict[tuple[str, str], Addition] = {}
    for resource, items in listed.items():
        for item in items:
            # The same object may be served by several groups.
            key = (resource.kind, item["metadata"].get("uid") or resource.path(item))
            if _is_stray(resource, item, services):
                strays.setdefault(key, Stray(resource.kind, _name(item), resource.path(item)))
            elif added := _addition(resource, item):
                additions.setdefault(key, added)
    return Found(tuple(strays.values()), tuple(additions.values()), tuple(_others(listed)))


def _resources(client: Client) -> list[Resource]:
    groups = (client.read("/apis") or {}).get("groups") or ()
    versions = ["/api/v1", *(f"/apis/{one['preferredVersion']['groupVersion']}" for one in groups)]
    found = together(lambda version: _of_version(client, version), versions)
    return [one for each in found for one in each]


def _of_version(client: Client, version: str) -> list[Resource]:
    try:
        told = (client.read(version) or {}).get("resources") or ()
    except ApiError as error:
        # An aggregated API whose server is away.
        if error.code >= 500:
            return []
        raise
    return [
        Resource(version, one["name"], one["kind"], one["namespaced"])
        for one in told
        if "/" not in one["name"] and {"list", "delete"} <= set(one["verbs"])
    ]


def _items(client: Client, resource: Resource) -> Sequence[dict[str, Any]]:
    if not resource.namespaced:
        return client.items(f"{resource.version}/{resource.plural}")
    return [
        item for name in NAMESPACES for item in client.items(f"{resource.version}/namespaces/{name}/{resource.plural}")
    ]


def _is_stray(resource: Resource, item: Mapping[str, Any], services: Sequence[str]) -> bool:
    if resource.namespaced:
        return foreign.is_stray(resource.kind, item, services)
    # Webhooks named after Istio meddle with every pod or rule of the mesh; anything else may be anybody's.
    meddles = resource.kind in WEBHOOKS and "istio" in item["metadata"]["name"]
    return meddles and not foreign.is_ours(item)


def _addition(resource: Resource, item: Mapping[str, Any]) -> Addition | None:
    if not foreign.is_ours(item):
        return None
    removals, managers = foreign.additions(item, OF_NODES if resource.kind == "Node" else ())
    return Addition(resource.kind, _name(item), resource.path(item), removals, managers) if removals else None


def _name(item: Mapping[str, Any]) -> str:
    metadata = item["metadata"]
    return "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))


def _others(listed: Mapping[Resource, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    for resource, items in listed.items():
        if resource.kind == "Namespace":
            names = [item["metadata"]["name"] for item in items]
            yield from (name for name in names if name not in NAMESPACES and name not in SYSTEM)
