"""What a recorded step keeps of a large answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

GROUPS = ("", "apps", "discovery.k8s.io", "apiextensions.k8s.io", "train.example.org")
CORE = (
    *("pods", "namespaces", "nodes", "services", "configmaps"),
    *("serviceaccounts", "secrets", "endpoints", "events", "bindings"),
)
AGGREGATED = (
    *("pods", "namespaces", "services", "configmaps", "deployments"),
    *("endpointslices", "customresourcedefinitions", "wagons"),
)
DEFINITIONS = (
    "io.k8s.api.core.v1.Pod",
    "io.k8s.api.apps.v1.Deployment",
    "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
    "org.example.train.v1.Wagon",
)
PATHS = (
    *("/.well-known/openid-configuration", "/api", "/api/v1", "/apis", "/apis/", "/apis/apps", "/apis/apps/v1"),
    *("/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/openapi/v3/", "/openid/v1/jwks", "/readyz", "/version"),
)
OPENAPI_PATHS = ("api", "apis", "api/v1", "apis/apps", "apis/apps/v1", "apis/train.example.org/v1", "version")
VERSIONS = (
    *("v1", "apps/v1", "discovery.k8s.io/v1", "apiextensions.k8s.io/v1", "rbac.authorization.k8s.io/v1"),
    *("authentication.k8s.io/v1", "authorization.k8s.io/v1", "coordination.k8s.io/v1", "events.k8s.io/v1"),
    "batch/v1",
)


def resources(*names: str) -> Callable[[Any], Any]:
    """Those resources of a list of resources, and what is below them."""

    def reduced(body: Any) -> Any:
        kept = [one for one in body["resources"] if one["name"].split("/")[0] in names]
        return {**body, "resources": kept}

    return reduced


def known_groups(body: Any) -> Any:
    if body.get("kind") == "APIGroupList":
        body["groups"] = [group for group in body["groups"] if group["name"] in GROUPS]
    return body


def known_aggregated(body: Any) -> Any:
    if body.get("kind") != "APIGroupDiscoveryList":
        return body
    groups = [group for group in body["items"] if group["metadata"].get("name", "") in GROUPS]
    for group in groups:
        for version in group["versions"]:
            version["resources"] = [one for one in version["resources"] if one["resource"] in AGGREGATED]
    body["items"] = groups
    return body


def swagger(body: Any) -> Any:
    if "swagger" not in body:
        return body
    path = body["paths"]["/api/v1/namespaces/{namespace}/configmaps/{name}"]
    gvk = "x-kubernetes-group-version-kind"
    return {
        "swagger": body.get("swagger"),
        "info": {"title": body["info"].get("title")},
        "keys": sorted(body),
        "some definitions": [name for name in DEFINITIONS if name in body["definitions"]],
        "a path": path["get"].get(gvk),
        "Wagon gvk": body["definitions"].get("org.example.train.v1.Wagon", {}).get(gvk),
    }


def openapi_paths(body: Any) -> Any:
    found = {name: one["serverRelativeURL"].partition("?")[0] for name, one in body["paths"].items()}
    return {
        "paths": {
            name: {"serverRelativeURL": f"{url}?hash=<hash>"} for name, url in found.items() if name in OPENAPI_PATHS
        }
    }


def openapi_document(body: Any) -> Any:
    if "openapi" not in body:
        return body
    return {
        "openapi": body.get("openapi"),
        "keys": sorted(body),
        "info": body.get("info", {}).get("title"),
        "schemas": sorted(body["components"]["schemas"])[:6],
        "a path": min(body["paths"]),
    }


def wagon_schema(body: Any) -> Any:
    if "components" not in body:
        return body
    schemas = body["components"]["schemas"]
    wagon = schemas["org.example.train.v1.Wagon"]
    return {"schemas": sorted(schemas), "Wagon": wagon, "paths": sorted(body["paths"])}


def health_checks(body: Any) -> Any:
    return "".join(f"{line}\n" for line in body.splitlines() if _tells(line))


def _tells(line: str) -> bool:
    named = line.split(" ", maxsplit=1)[0] in ("[+]ping", "[+]etcd", "[+]log")
    return named or "check" in line or "excluded" in line or not line.startswith("[")


def key_set(body: Any) -> Any:
    shown = ("use", "kty", "alg", "e")
    return {"keys": [{name: v if name in shown else "(text)" for name, v in key.items()} for key in body["keys"]]}


def names(body: Any) -> Any:
    return [item["metadata"]["name"] for item in body["items"]]


def event_names(body: Any) -> Any:
    events = body if isinstance(body, list) else [body]
    return [[event["type"], event["object"]["metadata"]["name"]] for event in events]


REDUCTIONS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "beginning": lambda body: f"(binary, begins with {body[:2]!r})",
        "core_resources": resources(*CORE),
        "count": lambda body: len(body["items"]),
        "event_annotations": lambda events: [[e["type"], e["object"]["metadata"].get("annotations")] for e in events],
        "event_names": event_names,
        "event_types": lambda events: [event["type"] for event in events if event["type"] != "BOOKMARK"],
        "first_kind": lambda events: events[0]["kind"],
        "health_checks": health_checks,
        "issuer": lambda body: {**body, "jwks_uri": "(server)/openid/v1/jwks"} if "jwks_uri" in body else body,
        "key_set": key_set,
        "keys": lambda body: sorted(body) if isinstance(body, dict) else body,
        "kind": lambda body: body["kind"],
        "kind_and_version": lambda body: f"{body['kind']} {body.get('apiVersion', '')}",
        "kind_or_status": lambda body: body if body.get("kind") == "Status" else body["kind"],
        "kind_or_text": lambda body: body if isinstance(body, str) else body.get("kind"),
        "known_aggregated": known_aggregated,
        "known_groups": known_groups,
        "known_paths": lambda body: {"paths": [path for path in body["paths"] if path in PATHS]},
        "known_versions": lambda text: "".join(f"{line}\n" for line in text.splitlines() if line in VERSIONS),
        "metadata": lambda body: body["metadata"],
        "name": lambda body: body["metadata"]["name"],
        "name_or_whole": lambda body: body.get("metadata", {}).get("name") or body,
        "names": names,
        "names_or_status": lambda body: body if body.get("kind") == "Status" else names(body),
        "openapi_document": openapi_document,
        "openapi_paths": openapi_paths,
        "phase": lambda body: body["status"]["phase"],
        "spec": lambda body: body.get("spec", body),
        "status": lambda body: body.get("status"),
        "status_keys": lambda body: sorted(body["status"]),
        "swagger": swagger,
        "swagger_version": lambda body: body["swagger"],
        "token_shape": lambda text: f"{text.count('.')} dots, begins with {text[:3]}\n" if text else text,
        "version": lambda body: body["apiVersion"],
        "version_and_kind": lambda body: f"{body['apiVersion']} {body['kind']}",
        "wagon_schema": wagon_schema,
        "whole": lambda body: body,
        "without_metadata": lambda body: {key: value for key, value in body.items() if key != "metadata"},
        "workload_resources": resources("deployments", "replicasets"),
    }
)


def reduce(name: str | None, body: Any) -> Any:
    """The body reduced; an answer of another shape, such as an error, is kept whole."""
    if name is None:
        return body
    try:
        return REDUCTIONS[name](body)
    except (AttributeError, IndexError, KeyError, TypeError):
        return body
