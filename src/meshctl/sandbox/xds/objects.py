"""Objects of several clusters read from a directory: `CLUSTER.yaml` each, `mesh.yaml` and `proxies.json`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from meshctl.errors import InvalidInput, Problem, UsageError
from meshctl.sandbox.xds import mesh, mesh_config, proxy
from meshctl.sandbox.xds.mesh import Mesh
from meshctl.sandbox.xds.mesh_config import MeshConfig
from meshctl.sandbox.xds.proxy import Proxy
from meshctl.sandbox.xds.workloads import Object

MESH_FILE, PROXIES_FILE = "mesh.yaml", "proxies.json"
_CLUSTER_SCOPED = frozenset(
    {"Namespace", "Node", "PersistentVolume", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"}
)
_ISTIO_KINDS = (
    "DestinationRule",
    "EnvoyFilter",
    "Gateway",
    "ServiceEntry",
    "Sidecar",
    "VirtualService",
    "WorkloadEntry",
)
_TRANSLATED = frozenset(
    {
        *(("networking.istio.io", kind) for kind in _ISTIO_KINDS),
        ("security.istio.io", "PeerAuthentication"),
        ("discovery.k8s.io", "EndpointSlice"),
        *(("", kind) for kind in ("Namespace", "Node", "Pod", "Service")),
    }
)
_MAKES_PODS = frozenset({"DaemonSet", "Deployment", "Job", "CronJob", "ReplicaSet", "StatefulSet"})
_SILENT = frozenset({"ConfigMap", "Secret", "ServiceAccount"})
_ASSIGNED = ("clusterIP", "clusterIPs")
_AFTER_ALL = "9999-"
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Listing:
    """The objects of every cluster, the mesh's settings and the proxies by name."""

    clusters: Mapping[str, tuple[Object, ...]]
    config: MeshConfig
    proxies: Mapping[str, Proxy]
    applied: int = 0

    @property
    def primary(self) -> str:
        """The cluster that runs istiod; failing that the one with Istio objects, else the first by name."""
        names = sorted(self.clusters)
        for is_sign in (_is_control_plane, _is_istio):
            for name in names:
                if any(is_sign(item) for item in self.clusters[name]):
                    return name
        return names[0]

    def mesh(self) -> Mesh:
        """The mesh that these objects make."""
        return mesh.assemble(self.clusters, self.primary, self.config)

    def apply(self, objects: Sequence[Object]) -> Listing:
        """With these objects in the primary, each replacing the one of its kind, namespace and name.

        What is new is younger than all there was: where several rules meet, the oldest one counts.
        """
        name = self.primary
        merged = {_identity(item): item for item in self.clusters[name]}
        stamp = f"{_AFTER_ALL}{self.applied:04}"
        merged.update((_identity(item), _applied(item, merged.get(_identity(item)), stamp)) for item in objects)
        return replace(self, clusters={**self.clusters, name: tuple(merged.values())}, applied=self.applied + 1)


def unused(objects: Iterable[Object]) -> Iterator[str]:
    """What a person should know of objects that change nothing, or less than on a cluster."""
    for item in objects:
        named = f"{item['kind']} {item['metadata']['name']}"
        if item["kind"] in _MAKES_PODS:
            yield f"{named} changes nothing here: its pods and EndpointSlices are the cluster's work"
        elif (_group(item), item["kind"]) not in _TRANSLATED and item["kind"] not in _SILENT:
            yield f"{named} changes nothing here: {item['apiVersion']} {item['kind']} is not translated"
        elif item["kind"] == "Service" and not (item.get("spec") or {}).get("clusterIP"):
            yield f"{named} has no clusterIP: one that is new stays without the address that a cluster would assign"


def _applied(item: Object, old: Object | None, stamp: str) -> Object:
    """An object as the API server stores it: with what it keeps of the old one, or a time of creation."""
    meta = {"creationTimestamp": stamp, **item["metadata"]}
    if old is None:
        return {**item, "metadata": meta}
    meta["creationTimestamp"] = old["metadata"].get("creationTimestamp")
    kept = {name: old["spec"][name] for name in _ASSIGNED if name in (old.get("spec") or {})}
    spec = {**kept, **(item.get("spec") or {})} if item["kind"] == "Service" else item.get("spec") or {}
    return {"status": old.get("status") or {}, **item, "metadata": meta, "spec": spec}


def _is_control_plane(item: Object) -> bool:
    return bool(item["kind"] == "Pod" and (item["metadata"].get("labels") or {}).get("app") == "istiod")


def _is_istio(item: Object) -> bool:
    return str(item["apiVersion"]).split("/")[0].endswith(".istio.io")


def _group(item: Object) -> str:
    return str(item["apiVersion"]).rpartition("/")[0]


def _identity(item: Object) -> tuple[str, str, str, str]:
    meta = item["metadata"]
    return _group(item), item["kind"], meta.get("namespace", ""), meta["name"]


def load(directory: Path) -> Listing:
    """Read a directory; UsageError names what is missing, InvalidInput all faults of a file."""
    if not directory.is_dir():
        raise UsageError(f"{directory}: no such directory; expected CLUSTER.yaml files, {MESH_FILE}, {PROXIES_FILE}")
    files = [path for path in sorted(directory.glob("*.yaml")) if path.name != MESH_FILE]
    if not files:
        raise UsageError(f"{directory}: no CLUSTER.yaml in it; expected one file of Kubernetes objects per cluster")
    return Listing(
        clusters={path.stem: tuple(load_objects(path)) for path in files},
        config=_mesh(directory / MESH_FILE),
        proxies=_proxies(directory / PROXIES_FILE),
    )


def load_objects(path: Path) -> list[Object]:
    """Every object of a YAML file; `List` objects are opened, empty documents skipped."""
    documents = _documents(path)
    problems, objects = [], []
    for line, document in documents:
        for item in _opened(document):
            fault = _fault(item)
            if fault:
                problems.append(Problem(line, fault[0], fault[1]))
            else:
                objects.append(namespaced(item))
    if problems:
        raise InvalidInput(str(path), problems)
    return objects


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None


def _documents(path: Path) -> list[tuple[int, Any]]:
    """Each YAML document with the line where it starts."""
    loader = _Loader(_text(path))
    found = []
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is not None:
                found.append((node.start_mark.line + 1, loader.construct_document(node)))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or str(error)
        raise InvalidInput(str(path), [Problem(mark.line + 1 if mark else 1, "", f"not YAML: {reason}")]) from None
    finally:
        loader.dispose()
    return found


def _opened(document: Any) -> Iterator[Any]:
    if document is None:
        return
    if isinstance(document, Mapping) and document.get("kind") == "List":
        yield from document.get("items") or ()
    else:
        yield document


def _fault(item: Any) -> tuple[str, str] | None:
    if not isinstance(item, Mapping):
        return "", f"expected a Kubernetes object, saw {type(item).__name__}"
    for field in ("apiVersion", "kind"):
        if not isinstance(item.get(field), str):
            return field, f"expected text, saw {item.get(field)!r}"
    meta = item.get("metadata")
    if not isinstance(meta, Mapping) or not isinstance(meta.get("name"), str):
        return "metadata.name", f"the {item['kind']} has no name"
    if not isinstance(item.get("spec") or {}, Mapping):
        return "spec", f"expected fields in {item['kind']} {meta['name']}, saw {item['spec']!r}"
    return None


def namespaced(item: Mapping[str, Any]) -> Object:
    """An object as the API server stores it: a namespace where its kind has one."""
    meta = item["metadata"]
    if item["kind"] in _CLUSTER_SCOPED or meta.get("namespace"):
        return dict(item)
    return {**item, "metadata": {**meta, "namespace": "default"}}


def _mesh(path: Path) -> MeshConfig:
    documents = _documents(path) if path.exists() else []
    raw = documents[0][1] if documents else {}
    if not isinstance(raw, Mapping):
        raise InvalidInput(str(path), [Problem(1, "", "expected the fields of meshConfig")])
    try:
        return mesh_config.parse(raw)
    except (AttributeError, TypeError) as error:
        raise InvalidInput(str(path), [Problem(1, "", f"not the fields of meshConfig: {error}")]) from None


def _proxies(path: Path) -> dict[str, Proxy]:
    try:
        identities = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise InvalidInput(str(path), [Problem(error.lineno, "", f"not JSON: {error.msg}")]) from None
    if not isinstance(identities, dict):
        raise InvalidInput(str(path), [Problem(1, "", "expected {PROXY: identity}")])
    problems, proxies = [], {}
    for name, identity in identities.items():
        try:
            proxies[name] = proxy.from_identity(identity)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            problems.append(Problem(1, name, f"not a proxy's identity: {error!r} (type, name, ns and cluster needed)"))
    if problems:
        raise InvalidInput(str(path), problems)
    return proxies
