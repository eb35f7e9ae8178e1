"""What is served, as clients ask for it: group by group, or aggregated."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from meshctl.sandbox.apiserver.resources.catalog import Catalog
from meshctl.sandbox.apiserver.resources.resource import Resource, Subresource
from meshctl.sandbox.apiserver.storage.revision import dump

Object = dict[str, Any]


def versions(server: str) -> Object:
    """/api."""
    addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": server}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}


def groups(catalog: Catalog) -> Object:
    """/apis."""
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [_group(catalog, name) for name in catalog.groups],
    }


def group(catalog: Catalog, name: str) -> Object:
    """/apis/GROUP."""
    return {"kind": "APIGroup", "apiVersion": "v1"} | _group(catalog, name)


def _group(catalog: Catalog, name: str) -> Object:
    served = [{"groupVersion": f"{name}/{version}", "version": version} for version in catalog.versions(name)]
    return {"name": name, "versions": served, "preferredVersion": served[0]}


def resources(catalog: Catalog, name: str, version: str) -> Object:
    """/api/v1 and /apis/GROUP/VERSION."""
    found = catalog.within(name, version)
    kind: Object = {"kind": "APIResourceList"} | ({"apiVersion": "v1"} if name else {})
    entries = [entry for one in sorted(found, key=lambda one: one.plural) for entry in _entries(one)]
    return kind | {"groupVersion": f"{name}/{version}" if name else version, "resources": entries}


def _entries(resource: Resource) -> list[Object]:
    own: Object = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
    }
    own |= {"kind": resource.kind, "verbs": list(resource.verbs)}
    if resource.short_names:
        own["shortNames"] = list(resource.short_names)
    if resource.categories:
        own["categories"] = list(resource.categories)
    if resource.storage:
        own["storageVersionHash"] = resource.storage_hash
    return [own, *(_sub_entry(resource, sub) for sub in resource.subresources)]


def _sub_entry(resource: Resource, sub: Subresource) -> Object:
    entry: Object = {
        "name": f"{resource.plural}/{sub.name}",
        "singularName": "",
        "namespaced": resource.namespaced,
    }
    if sub.group and sub.group != resource.group:
        entry |= {"group": sub.group, "version": sub.version}
    return entry | {"kind": sub.kind, "verbs": list(sub.verbs)}


def aggregated(catalog: Catalog, names: Sequence[str]) -> Object:
    """/api or /apis as one APIGroupDiscoveryList; the core group's name is empty."""
    items = [_aggregated_group(catalog, name) for name in names]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }


def _aggregated_group(catalog: Catalog, name: str) -> Object:
    versions = [
        {
            "version": version,
            "resources": [
                _aggregated(one) for one in sorted(catalog.within(name, version), key=lambda one: one.plural)
            ],
            "freshness": "Current",
        }
        for version in catalog.versions(name)
    ]
    return {"metadata": {"name": name} if name else {}, "versions": versions}


def _aggregated(resource: Resource) -> Object:
    kind = _kind(resource.kind, resource.group, resource.version) if resource.custom else _kind(resource.kind)
    found: Object = {"resource": resource.plural, "responseKind": kind}
    found["scope"] = "Namespaced" if resource.namespaced else "Cluster"
    found |= {"singularResource": resource.singular, "verbs": list(resource.verbs)}
    if resource.short_names:
        found["shortNames"] = list(resource.short_names)
    if resource.categories:
        found["categories"] = list(resource.categories)
    if resource.subresources:
        found["subresources"] = [_aggregated_sub(sub) for sub in resource.subresources]
    return found


def _aggregated_sub(sub: Subresource) -> Object:
    return {
        "subresource": sub.name,
        "responseKind": _kind(sub.kind, sub.group, sub.version),
        "verbs": list(sub.verbs),
    }


def _kind(kind: str, group: str = "", version: str = "") -> Object:
    return {"group": group, "version": version, "kind": kind}


def tag(document: Object) -> str:
    """The ETag of a document: a SHA-512 in capitals."""
    return f'"{hashlib.sha512(dump(document)).hexdigest().upper()}"'
