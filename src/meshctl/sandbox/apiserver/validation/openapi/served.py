"""What a document is made of: the served kinds, their definitions and paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from meshctl.sandbox.apiserver.validation.kubernetes.definitions import GVK, META, OBJECT_META, Node, kinds

TITLE = {"title": "Kubernetes", "version": "v1.36.1"}
SCALE = "io.k8s.api.autoscaling.v1.Scale"
DELETE_OPTIONS = f"{META}.DeleteOptions"
STATUS = f"{META}.Status"
LIST_META = f"{META}.ListMeta"
_CONVENTIONS = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md"
_NAMES = {
    "apiVersion": (
        "APIVersion defines the versioned schema of this representation of an object. Servers should convert "
        "recognized schemas to the latest internal value, and may reject unrecognized values. "
        f"More info: {_CONVENTIONS}#resources"
    ),
    "kind": (
        "Kind is a string value representing the REST resource this object represents. Servers may infer this from the "
        "endpoint the client submits requests to. Cannot be updated. In CamelCase. "
        f"More info: {_CONVENTIONS}#types-kinds"
    ),
}
_METADATA = f"Standard object's metadata. More info: {_CONVENTIONS}#metadata"
_LIST_METADATA = f"Standard list metadata. More info: {_CONVENTIONS}#types-kinds"


class Named(Protocol):
    """A subresource."""

    @property
    def name(self) -> str: ...


class Served(Protocol):
    """A kind in one version."""

    @property
    def group(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def plural(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def namespaced(self) -> bool: ...
    @property
    def verbs(self) -> Sequence[str]: ...
    @property
    def subresources(self) -> Sequence[Named]: ...
    @property
    def definition(self) -> Mapping[str, Any] | None: ...


def root(group: str, version: str) -> str:
    """The path of a group version."""
    return f"/apis/{group}/{version}" if group else f"/api/{version}"


def gvk(served: Served) -> dict[str, str]:
    """The group, version and kind of a resource."""
    return {"group": served.group, "kind": served.kind, "version": served.version}


def definition_name(served: Served) -> str:
    """The name of a resource's definition: `io.k8s.api.apps.v1.Deployment`, `org.example.train.v1.Wagon`."""
    known = kinds().get((served.group, served.version, served.kind))
    reversed_group = ".".join(reversed(served.group.split(".")))
    return known or f"{reversed_group}.{served.version}.{served.kind}"


def custom_definitions(served: Served) -> Iterator[tuple[str, Node]]:
    """The definitions of a custom kind and of its list, references as `#/definitions/NAME`."""
    schema = ((served.definition or {}).get("schema") or {}).get("openAPIV3Schema") or {}
    name = definition_name(served)
    own = {key: {"description": text, "type": "string"} for key, text in _NAMES.items()}
    reference = {"description": _METADATA, "$ref": f"#/definitions/{OBJECT_META}"}
    properties = own | {"metadata": reference} | _others(schema)
    node = {"type": "object", **schema, "properties": properties, GVK: [gvk(served)]}
    yield name, node
    yield f"{name}List", _list(served, name, own)


def _others(schema: Mapping[str, Any]) -> dict[str, Any]:
    properties: Mapping[str, Any] = schema.get("properties") or {}
    return {key: part for key, part in properties.items() if key not in ("apiVersion", "kind", "metadata")}


def _list(served: Served, name: str, own: dict[str, Any]) -> Node:
    about = f"{served.kind}List is a list of {served.kind}"
    reference = {"$ref": f"#/definitions/{name}"}
    items = {"description": f"List of {served.plural}. More info: {_CONVENTIONS}", "type": "array", "items": reference}
    metadata = {"description": _LIST_METADATA, "$ref": f"#/definitions/{LIST_META}"}
    return {
        "description": about,
        "type": "object",
        "required": ["items"],
        "properties": own | {"items": items, "metadata": metadata},
        GVK: [gvk(served) | {"kind": f"{served.kind}List"}],
    }
