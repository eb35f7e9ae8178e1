"""The paths of served resources and what can be done at each, in neither version's form yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from meshctl.sandbox.apiserver.validation.openapi.served import SCALE, STATUS, Served, definition_name, gvk, root

PATCH_TYPES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/apply-patch+yaml",
    "application/apply-patch+cbor",
)
STRATEGIC = "application/strategic-merge-patch+json"
PRODUCES = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")
_ABOUT = {
    "pretty": "If 'true', then the output is pretty printed.",
    "dryRun": "When present, indicates that modifications should not be persisted. Valid values are: All.",
    "fieldManager": "A name associated with the actor or entity that is making these changes.",
    "fieldValidation": "How the server handles objects with unknown or duplicate fields: Ignore, Warn or Strict.",
    "force": 'Whether to "force" Apply requests.',
    "labelSelector": "A selector to restrict the list of returned objects by their labels. Defaults to everything.",
    "fieldSelector": "A selector to restrict the list of returned objects by their fields. Defaults to everything.",
    "limit": "The maximum number of responses to return for a list call.",
    "continue": "The token of a list's next page.",
    "resourceVersion": "A constraint on what resource versions a request may be served from.",
    "resourceVersionMatch": "How resourceVersion is applied to list calls.",
    "timeoutSeconds": "Timeout for the list/watch call.",
    "watch": "Watch for changes to the described resources and return them as a stream.",
    "allowWatchBookmarks": "Requests watch events with type BOOKMARK.",
    "sendInitialEvents": "Whether a watch begins with the present objects.",
    "gracePeriodSeconds": "The duration in seconds before the object should be deleted.",
    "propagationPolicy": "Whether and how garbage collection will be performed.",
}
_TYPES = {"limit": "integer", "timeoutSeconds": "integer", "gracePeriodSeconds": "integer"} | dict.fromkeys(
    ("force", "watch", "allowWatchBookmarks", "sendInitialEvents"), "boolean"
)
_WRITE = ("dryRun", "fieldManager", "fieldValidation")
_LIST = ("allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "resourceVersion")
_LISTED = (*_LIST, "resourceVersionMatch", "sendInitialEvents", "timeoutSeconds", "watch")
_DELETE = ("dryRun", "gracePeriodSeconds", "propagationPolicy")


@dataclass(frozen=True)
class Parameter:
    """A parameter of a path or a query."""

    name: str
    place: str
    type: str
    description: str


@dataclass(frozen=True)
class Operation:
    """What a method does at a path; `result` and `body` name definitions."""

    method: str
    action: str
    identity: str
    kind: dict[str, str]
    parameters: tuple[Parameter, ...]
    result: str
    body: str = ""
    patches: tuple[str, ...] = ()


def query(name: str) -> Parameter:
    """A parameter of a query."""
    return Parameter(name, "query", _TYPES.get(name, "string"), _ABOUT[name])


def operations(served: Served) -> Iterator[tuple[str, tuple[Parameter, ...], tuple[Operation, ...]]]:
    """Each path of a resource, its parameters and its operations."""
    start = root(served.group, served.version)
    pretty = query("pretty")
    namespace = Parameter("namespace", "path", "string", "object name and auth scope, such as for teams and projects")
    scope = (namespace,) if served.namespaced else ()
    collection = f"{start}/namespaces/{{namespace}}/{served.plural}" if scope else f"{start}/{served.plural}"
    name = Parameter("name", "path", "string", f"name of the {served.kind}")
    if found := tuple(_collection(served)):
        yield collection, (*scope, pretty), found
    if found := tuple(_item(served, definition_name(served), "")):
        yield f"{collection}/{{name}}", (name, *scope, pretty), found
    for sub in served.subresources:
        if found := tuple(_subresource(served, sub.name)):
            yield f"{collection}/{{name}}/{sub.name}", (name, *scope, pretty), found
    if scope and "list" in served.verbs:
        listed = _operation(served, "get", "list", "ForAllNamespaces", _LISTED, f"{definition_name(served)}List")
        yield f"{start}/{served.plural}", (pretty,), (listed,)


def _operation(
    served: Served, method: str, action: str, suffix: str, names: tuple[str, ...], result: str, body: str = ""
) -> Operation:
    group = "".join(part.capitalize() for part in served.group.removesuffix(".k8s.io").split(".")) or "Core"
    scope = "Namespaced" if served.namespaced and suffix != "ForAllNamespaces" else ""
    verb = {"get": "read", "put": "replace", "post": "create"}.get(action, action)
    identity = f"{verb}{group}{served.version.capitalize()}{scope}{served.kind}{suffix}"
    parameters = tuple(query(name) for name in names)
    patches: tuple[str, ...] = ()
    if method == "patch":
        patches = PATCH_TYPES if served.definition is not None else (*PATCH_TYPES[:2], STRATEGIC, *PATCH_TYPES[2:])
    return Operation(method, action, identity, gvk(served), parameters, result, body, patches)


def _collection(served: Served) -> Iterator[Operation]:
    own = definition_name(served)
    if "list" in served.verbs:
        yield _operation(served, "get", "list", "", _LISTED, f"{own}List")
    if "create" in served.verbs:
        yield _operation(served, "post", "post", "", _WRITE, own, own)
    if "deletecollection" in served.verbs:
        yield _operation(served, "delete", "deletecollection", "", (*_LISTED[:-1], *_DELETE), STATUS)


def _item(served: Served, own: str, suffix: str) -> Iterator[Operation]:
    if "get" in served.verbs:
        yield _operation(served, "get", "get", suffix, (), own)
    if "update" in served.verbs:
        yield _operation(served, "put", "put", suffix, _WRITE, own, own)
    if "delete" in served.verbs and not suffix:
        yield _operation(served, "delete", "delete", suffix, _DELETE, STATUS)
    if "patch" in served.verbs:
        yield _operation(
            served, "patch", "patch", suffix, (*_WRITE, "force"), own, f"{STATUS.rpartition('.')[0]}.Patch"
        )


def _subresource(served: Served, name: str) -> Iterator[Operation]:
    if name == "status":
        yield from _item(served, definition_name(served), "Status")
    elif name == "scale":
        yield from _item(served, SCALE, "Scale")
