"""Which function serves a method on a resource or subresource."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from aiohttp import web

from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.resources.resource import Resource
from meshctl.sandbox.apiserver.reviews import authentication, authorization
from meshctl.sandbox.apiserver.subresources import components, namespaces, pods, scale, streams, tokens
from meshctl.sandbox.apiserver.target import Target
from meshctl.sandbox.apiserver.verbs import creating, deleting, patching, reading, updating, watching

Handler = Callable[[Call], Awaitable[web.StreamResponse]]

ITEM: Mapping[str, tuple[str, Handler]] = MappingProxyType(
    {
        "GET": ("get", reading.get),
        "PUT": ("update", updating.update),
        "PATCH": ("patch", patching.patch),
        "DELETE": ("delete", deleting.delete),
    }
)
COLLECTION: Mapping[str, tuple[str, Handler]] = MappingProxyType(
    {
        "GET": ("list", reading.list_),
        "POST": ("create", creating.create),
        "DELETE": ("deletecollection", deleting.delete_collection),
    }
)
VIEWS: Mapping[str, Handler] = MappingProxyType({"GET": reading.get, "PUT": updating.update, "PATCH": patching.patch})
SCALE: Mapping[str, Handler] = MappingProxyType({"GET": scale.get, "PUT": scale.update, "PATCH": scale.patch})
PROXY = MappingProxyType(dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), streams.proxy))
STREAM = MappingProxyType(dict.fromkeys(("GET", "POST"), streams.stream))

SUBRESOURCES: Mapping[str, Mapping[str, Handler]] = MappingProxyType(
    {
        "status": VIEWS,
        "approval": VIEWS,
        "ephemeralcontainers": VIEWS,
        "resize": VIEWS,
        "scale": SCALE,
        "binding": {"POST": pods.bind},
        "eviction": {"POST": pods.evict},
        "log": {"GET": streams.log},
        "exec": STREAM,
        "attach": STREAM,
        "portforward": STREAM,
        "proxy": PROXY,
        "finalize": {"PUT": namespaces.finalize},
        "token": {"POST": tokens.request},
    }
)
ANSWERED: Mapping[str, Handler] = MappingProxyType(
    {
        "Binding": pods.bind,
        "TokenReview": authentication.token_review,
        "SelfSubjectReview": authentication.self_subject_review,
        "SelfSubjectAccessReview": authorization.self_access_review,
        "SubjectAccessReview": authorization.access_review,
        "LocalSubjectAccessReview": authorization.access_review,
        "SelfSubjectRulesReview": authorization.rules_review,
    }
)


def handler(method: str, asked: Target, resource: Resource) -> Handler | None:
    """The function that serves the request; None if the method is not allowed there."""
    if asked.subresource:
        return SUBRESOURCES.get(asked.subresource, {}).get(method)
    if asked.verb == "watch":
        return watching.watch if method == "GET" and "watch" in resource.verbs else None
    if not resource.storage:
        return _answered(method, asked, resource)
    verb, serve = (ITEM if asked.name else COLLECTION).get(method, ("", None))
    if verb not in resource.verbs:
        return None
    everywhere = resource.namespaced and not asked.namespace
    return None if everywhere and verb not in ("list", "watch") else serve


def _answered(method: str, asked: Target, resource: Resource) -> Handler | None:
    if resource.kind == "ComponentStatus":
        return (components.get if asked.name else components.list_) if method == "GET" else None
    return ANSWERED.get(resource.kind) if method == "POST" and not asked.name else None
