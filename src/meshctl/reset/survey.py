"""Everything that the API of one cluster lists, searched for what is not as `up` left it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from meshctl.kube.client import ApiError, Client
from meshctl.mesh.clusters import together
from meshctl.render import namespaces, nodes
from meshctl.render.manifest import ISTIO_SYSTEM
from meshctl.render.namespaces import BOOKINFO
from meshctl.reset import foreign
from meshctl.reset.foreign import Addition, Path, Stray
from meshctl.topology import Cluster, Topology

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
# Labels by which Istio knows namespaces and nodes.
LABELLED = {"Namespace": ("istio",), "Node": ("topology.",)}


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


def survey(client: Client, topology: Topology, cluster: Cluster) -> Found:
    """Look through a cluster."""
    resources = [one for one in _resources(client) if one.kind not in foreign.PASSING]
    listed = dict(zip(resources, together(lambda one: _items(client, one), resources), strict=True))
    services = [item["metadata"]["name"] for one, items in listed.items() if one.kind == "Service" for item in items]
    wanted = _labels(topology, cluster)
    strays: dict[str, Stray] = {}
    additions: dict[str, Addition] = {}
    for resource, items in listed.items():
        for item in items:
            # The same object may be served by several groups.
            key = item["metadata"].get("uid") or resource.path(item)
            if _is_stray(resource, item, services):
                strays.setdefault(key, Stray(resource.kind, _name(item), resource.path(item)))
            elif added := _addition(resource, item, wanted.get((resource.kind, item["metadata"]["name"]))):
                additions.setdefault(key, added)
    return Found(tuple(strays.values()), tuple(additions.values()), tuple(_others(listed)))


def _labels(topology: Topology, cluster: Cluster) -> dict[tuple[str, str], dict[str, str]]:
    """Those that namespaces and nodes should have, by kind and name."""
    manifests = [*nodes.labels(cluster), namespaces.istio_system(topology, cluster), namespaces.bookinfo()]
    return {(one["kind"], one["metadata"]["name"]): one["metadata"].get("labels") or {} for one in manifests}


def _resources(client: Client) -> list[Resource]:
    """Each kind of each group once, in the group's preferred version or else in the first that has it."""
    groups = (client.read("/apis") or {}).get("groups") or ()
    versions = [["/api/v1"], *(_versions(one) for one in groups)]
    told = together(lambda every: [one for version in every for one in _of_version(client, version)], versions)
    return [one for each in told for one in {found.plural: found for found in reversed(each)}.values()]


def _versions(group: Mapping[str, Any]) -> list[str]:
    preferred = group["preferredVersion"]["groupVersion"]
    rest = [one["groupVersion"] for one in group["versions"] if one["groupVersion"] != preferred]
    return [f"/apis/{one}" for one in (preferred, *rest)]


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
    """Of the namespaces of the mesh, which hold nearly all that there is: one request is quicker than one for each."""
    every = client.items(f"{resource.version}/{resource.plural}")
    return [one for one in every if not resource.namespaced or one["metadata"]["namespace"] in NAMESPACES]


def _is_stray(resource: Resource, item: Mapping[str, Any], services: Sequence[str]) -> bool:
    if resource.namespaced:
        return foreign.is_stray(resource.kind, item, services)
    # Webhooks named after Istio meddle with every pod or rule of the mesh; anything else may be anybody's.
    meddles = resource.kind in WEBHOOKS and "istio" in item["metadata"]["name"]
    return meddles and not foreign.is_ours(item)


def _addition(resource: Resource, item: Mapping[str, Any], labels: Mapping[str, str] | None) -> Addition | None:
    removals, managers = _extra(resource.kind, item, labels)
    return Addition(resource.kind, _name(item), resource.path(item), removals, managers) if removals else None


def _extra(
    kind: str, item: Mapping[str, Any], labels: Mapping[str, str] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Pointers of what others have set, and who that was as far as it is known; `labels` of nodes and namespaces."""
    if labels is not None:
        # The managed fields may not tell: where others have set every field of ours there is no trace of us.
        found, managers = foreign.additions(item, OF_NODES if kind == "Node" else ())
        return tuple(dict.fromkeys((*found, *foreign.labels(item, labels, LABELLED[kind])))), managers
    if kind in LABELLED or not foreign.is_ours(item):
        return (), ()
    found, managers = foreign.additions(item)
    counts = foreign.replicas(item) if kind == "Deployment" else ()
    return tuple(dict.fromkeys((*found, *counts))), managers


def _name(item: Mapping[str, Any]) -> str:
    metadata = item["metadata"]
    return "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))


def _others(listed: Mapping[Resource, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    for resource, items in listed.items():
        if resource.kind == "Namespace":
            names = [item["metadata"]["name"] for item in items]
            yield from (name for name in names if name not in NAMESPACES and name not in SYSTEM)
