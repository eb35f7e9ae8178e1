"""CustomResourceDefinitions: accepted as soon as they are created, and what they serve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from meshctl.sandbox.apiserver import clock
from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.resources.resource import CHANGES, Resource, Subresource
from meshctl.sandbox.apiserver.selectors.fields import METADATA, Field
from meshctl.sandbox.apiserver.strategy.strategy import Object, Strategy

STORAGE = "customresourcedefinitions.apiextensions.k8s.io"
FINALIZER = "customresourcecleanup.apiextensions.k8s.io"
VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")


def _names(spec: Mapping[str, Any]) -> Object:
    given = spec.get("names") or {}
    kind = given.get("kind", "")
    names = {"plural": given.get("plural", ""), "singular": given.get("singular") or kind.lower()}
    names |= {key: given[key] for key in ("shortNames",) if given.get(key)}
    names |= {"kind": kind, "listKind": given.get("listKind") or f"{kind}List"}
    return names | {key: given[key] for key in ("categories",) if given.get(key)}


def default_names(obj: Object) -> None:
    """Derive the singular and the list's name from the kind, as the original's defaulting does."""
    spec = obj.get("spec")
    if isinstance(spec, dict) and isinstance(spec.get("names"), dict) and isinstance(spec["names"].get("kind"), str):
        spec["names"] = _names(spec)
        spec.setdefault("conversion", {"strategy": "None"})


def _created(api: Api, obj: Object) -> None:
    obj["metadata"]["finalizers"] = [*(obj["metadata"].get("finalizers") or ()), FINALIZER]
    obj["status"] = _status(api, obj, [])


def _updated(api: Api, obj: Object, old: Mapping[str, Any]) -> None:
    obj["status"] = _status(api, obj, (old.get("status") or {}).get("storedVersions") or [])


def _status(api: Api, obj: Object, stored: list[str]) -> Object:
    spec = obj.get("spec") or {}
    taken = _taken(api, spec, (obj.get("metadata") or {}).get("name", ""))
    when = clock.stamp(clock.now())
    accepted = {
        "type": "NamesAccepted",
        "status": "True",
        "lastTransitionTime": when,
        "reason": "NoConflicts",
    }
    accepted["message"] = "no conflicts found"
    established = {
        "type": "Established",
        "status": "True",
        "lastTransitionTime": when,
        "reason": "InitialNamesAccepted",
    }
    established["message"] = "the initial names have been accepted"
    if taken:
        accepted |= {"status": "False", "reason": "PluralConflict", "message": taken}
        established |= {"status": "False", "reason": "NotAccepted", "message": "not all names are accepted"}
    current = [one["name"] for one in spec.get("versions") or () if one.get("storage")]
    return {
        "conditions": [accepted, established],
        "acceptedNames": {"plural": "", "kind": ""} if taken else _names(spec),
        "storedVersions": [*stored, *(name for name in current if name not in stored)],
    }


def _taken(api: Api, spec: Mapping[str, Any], name: str) -> str:
    plural, kind = (spec.get("names") or {}).get("plural", ""), (spec.get("names") or {}).get("kind", "")
    for resource in api.catalog.resources:
        if resource.group == spec.get("group") and resource.storage != name:
            if resource.plural == plural:
                return f'"{plural}" is already in use'
            if resource.kind == kind:
                return f'"{kind}" is already in use'
    return ""


DEFINITIONS = Strategy(generation=True, unconditional_update=False, prepare_create=_created, prepare_update=_updated)


def served(definition: Mapping[str, Any]) -> Iterator[Resource]:
    """The resources that an established definition serves, one for each version."""
    status, spec = definition.get("status") or {}, definition["spec"]
    conditions = {one["type"]: one["status"] for one in status.get("conditions") or ()}
    if conditions.get("Established") != "True":
        return
    stored = next((one["name"] for one in spec["versions"] if one.get("storage")), "")
    for version in spec["versions"]:
        if version.get("served"):
            yield _resource(definition, version, stored)


def _resource(definition: Mapping[str, Any], version: Mapping[str, Any], stored: str) -> Resource:
    spec, names = definition["spec"], definition["status"]["acceptedNames"]
    return Resource(
        spec["group"],
        version["name"],
        names["plural"],
        names["kind"],
        spec["scope"] == "Namespaced",
        tuple(names.get("shortNames") or ()),
        tuple(names.get("categories") or ()),
        VERBS,
        tuple(_subresources(names["kind"], version.get("subresources") or {}, spec["group"], version["name"])),
        (*METADATA, *(_field(one["jsonPath"]) for one in version.get("selectableFields") or ())),
        names["singular"],
        names["listKind"],
        definition["metadata"]["name"],
        stored,
        version,
        definition,
    )


def _subresources(kind: str, given: Mapping[str, Any], group: str, version: str) -> Iterator[Subresource]:
    if given.get("status") is not None:
        yield Subresource("status", kind, CHANGES, group, version)
    if given.get("scale") is not None:
        yield Subresource("scale", "Scale", CHANGES, "autoscaling", "v1")


def _field(path: str) -> Field:
    steps = path.lstrip(".")
    return Field(steps, tuple(steps.split(".")))
